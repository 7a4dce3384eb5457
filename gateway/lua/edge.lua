-- First filter on the way in, last but one on the way out.
-- In: accepts a well-formed request id, remembers the original path, brings every accepted spelling of a path to the
-- canonical one. Out: gives transcoded replies the HTTP status that google.api.http cannot express.

local ADS = { ["/ads/serve"] = true, ["/ads/impression"] = true, ["/ads/click"] = true }
local SUCCESSES = { ["201"] = true, ["202"] = true, ["204"] = true }
local GRPC_ONLY = { "x-redirect-location", "x-http-status", "grpc-accept-encoding", "grpc-message" }
local REQUEST_ID_LENGTH_MAX = 128
local HEALTHY = "/stats?filter=%5Ecluster%5C..*%5C.membership_healthy$"
-- The transcoder answers 400 for it, the product says 409.
local FAILED_PRECONDITION = "9"
-- Errors that gRPC itself makes (deadline, too many calls, a bug) come without details; callers rely on a reason.
local NO_DETAILS = '"details":%[%]}%s*$'
local REASONS = {
  ["3"] = "VALIDATION_ERROR", ["4"] = "DEPENDENCY_ERROR", ["5"] = "NOT_FOUND", ["6"] = "CONFLICT",
  ["7"] = "FORBIDDEN", ["8"] = "RATE_LIMIT_EXCEEDED", ["9"] = "STATE_CONFLICT", ["10"] = "CONFLICT",
  ["14"] = "DEPENDENCY_ERROR", ["16"] = "UNAUTHORIZED",
}
local OWN_DOMAIN = '"domain":"gateway.marketmesh"'

local function canonical(path)
  if path:sub(1, 14) == "/api/admin/v1/" then return "/api/v1/admin/" .. path:sub(15) end
  if path:sub(1, 4) == "/v1/" then return "/api" .. path end
  if ADS[path:match("^[^?]*")] then return "/api/v1" .. path end
  return path
end

function envoy_on_request(handle)
  local headers = handle:headers()
  -- The renderer moves the caller's id aside, so that Envoy has already generated one of its own.
  local given = headers:get("x-mesh-inbound-request-id")
  if given ~= nil then
    headers:remove("x-mesh-inbound-request-id")
    if #given <= REQUEST_ID_LENGTH_MAX and given:match("^[A-Za-z0-9._-]+$") then
      headers:replace("x-request-id", given)
    end
  end

  local path = headers:get(":path")
  local content_type = headers:get("content-type") or ""
  local metadata = handle:streamInfo():dynamicMetadata()
  -- Query strings can hold personal data, so the log never sees them.
  metadata:set("gateway.edge", "path", path:match("^[^?]*"))
  if content_type:sub(1, 16) == "application/grpc" then
    metadata:set("gateway.edge", "grpc", true)
    return
  end
  local wanted = canonical(path)
  if wanted ~= path then
    headers:replace(":path", wanted)
    handle:clearRouteCache()
  end
end

-- Reading the body suspends the script, after which every object fetched before is stale: fetch the headers again.
local function drop_body(handle)
  local body = handle:body()
  if body ~= nil then body:setBytes("") end
  handle:headers():remove("content-type")
end

-- The transcoder's complaint starts with the path of the field, `items[1].quantity: invalid value`, but only as text.
local function name_field(text)
  local complaint = text:match('"description":"(.-[^\\])"')
  if complaint == nil then return text end
  local field = complaint:match("^([%a_][%w_%.%[%]]*): ")
    or complaint:match("on a scalar field for type ([%a_][%w_]*)")
    or complaint:match('^Could not find field \\"([%a_][%w_%.]*)')
    or "body"
  local named = '"field":"' .. field .. '"'
  local with_violation = text:gsub('"field":""', named, 1)
  local with_both = with_violation:gsub('"metadata":{}', '"metadata":{' .. named .. "}", 1)
  return with_both
end

local function give_reason(handle, text, code)
  local route = handle:streamInfo():routeName()
  local reason = REASONS[code] or "INTERNAL_ERROR"
  local metadata = reason == "DEPENDENCY_ERROR" and '"dependency":"' .. route .. '"' or ""
  local info = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"' .. reason .. '",' .. OWN_DOMAIN
  local with_info = text:gsub(NO_DETAILS, '"details":[' .. info .. ',"metadata":{' .. metadata .. "}}]}")
  return with_info
end

local function finish_error(handle, status, wanted)
  local body = handle:body()
  if body == nil then return end
  local text = body:getBytes(0, body:length())
  local code = text:match('^%s*{%s*"code"%s*:%s*(%d+)')
  if code == nil then return end
  if text:match(NO_DETAILS) then
    body:setBytes(give_reason(handle, text, code))
  elseif status == "400" and text:find(OWN_DOMAIN, 1, true) then
    body:setBytes(name_field(text))
  end
  local headers = handle:headers()
  headers:replace("grpc-status", code)
  if status == "400" and wanted == "422" then
    headers:replace(":status", "422")
  elseif status == "400" and code == FAILED_PRECONDITION then
    headers:replace(":status", "409")
  end
end

local function finish_success(handle, headers, location, wanted)
  if location ~= nil then
    headers:replace(":status", "302")
    headers:replace("location", location)
    drop_body(handle)
  elseif wanted ~= nil and SUCCESSES[wanted] then
    headers:replace(":status", wanted)
    if wanted == "204" then
      drop_body(handle)
      handle:headers():remove("content-length")
    end
  end
end

-- Envoy says that something is not ready, but not what. Its admin port knows; it is asked once a second, not by each call.
local away = { told = "mesh", asked_at = 0 }

local function name_who_is_away(handle)
  -- Asked for now, because it streams on during the question; what is written is fetched again after it.
  if handle:body() == nil then return end
  if os.time() ~= away.asked_at then
    away.asked_at = os.time()
    local question = { [":method"] = "GET", [":path"] = HEALTHY, [":authority"] = "admin" }
    local _, answer = handle:httpCall("gateway_admin", question, "", 500)
    local names = {}
    for name in (answer or ""):gmatch("cluster%.([%w_]+)%.membership_healthy: 0") do names[#names + 1] = name end
    table.sort(names)
    away.told = #names > 0 and table.concat(names, ", ") or "mesh"
  end
  local body = handle:body()
  local text = body:getBytes(0, body:length())
  local named = text:gsub('"dependency":"mesh"', '"dependency":"' .. away.told .. '"')
  body:setBytes((named:gsub('"not ready"', '"not ready: ' .. away.told .. ' is away"')))
end

function envoy_on_response(handle)
  local seen = handle:streamInfo():dynamicMetadata():get("gateway.edge")
  if seen == nil or seen["grpc"] then return end
  local headers = handle:headers()
  if seen["path"] == "/health/ready" then
    if headers:get(":status") == "503" then name_who_is_away(handle) end
    return
  end
  local status = headers:get(":status")
  local location = headers:get("x-redirect-location")
  local wanted = headers:get("x-http-status")
  for _, name in ipairs(GRPC_ONLY) do headers:remove(name) end
  if (status == "429" or status == "503") and headers:get("retry-after") == nil then
    headers:replace("retry-after", "1")
  end
  if status == "200" then
    finish_success(handle, headers, location, wanted)
  elseif tonumber(status) >= 400 then
    finish_error(handle, status, wanted)
  end
end
