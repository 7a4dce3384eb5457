-- What gRPC puts around a message: one byte that says whether it is compressed, four with its length. A frame that is not so
-- would be answered by the service's gRPC runtime, as a failure of its own, and take its process out of the pool.

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local ONE_MESSAGE = "must be one message in one uncompressed gRPC frame"

-- Returns the first six bytes of a text in base64 and how many it has in all, or nothing.
local function base64_head(text)
  if #text < 8 or #text % 4 ~= 0 or text:find("[^%w+/]") and not text:find("^[%w+/]+==?$") then return end
  local head = {}
  for at = 1, 8, 4 do
    local value = 0
    for index = at, at + 3 do
      local place = BASE64:find(text:sub(index, index), 1, true)
      value = value * 64 + (place and place - 1 or 0)
    end
    head[#head + 1] = string.char(math.floor(value / 65536), math.floor(value / 256) % 256, value % 256)
  end
  return table.concat(head), #text / 4 * 3 - #text:match("=*$")
end

-- Returns what is wrong with the body of a call with one message, or nil. gRPC-Web's text form is in base64.
local function fault_of_frame(content_type, text)
  local head, size = text, #text
  if content_type:find("^application/grpc%-web%-text") then head, size = base64_head(text) end
  if head == nil or size < 5 then return ONE_MESSAGE end
  local flag, a, b, c, d = head:byte(1, 5)
  if flag ~= 0 or ((a * 256 + b) * 256 + c) * 256 + d + 5 ~= size then return ONE_MESSAGE end
end

