-- First filter on the way in, last but one on the way out.
-- In: accepts a well-formed request id, remembers the original path, brings every accepted spelling of a path to the
-- canonical one. Out: gives transcoded replies the HTTP status that google.api.http cannot express.

local ADS = { ["/ads/serve"] = true, ["/ads/impression"] = true, ["/ads/click"] = true }
local STATUSES = { ["201"] = true, ["202"] = true, ["204"] = true, ["409"] = true, ["422"] = true }
local REQUEST_ID_LENGTH_MAX = 128
-- What the transcoder writes first for FAILED_PRECONDITION; it answers 400, the product says 409.
local FAILED_PRECONDITION = '^%s*{%s*"code"%s*:%s*9%s*[,}]'

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

local function drop_body(handle, headers)
  local body = handle:body()
  if body ~= nil then body:setBytes("") end
  headers:remove("content-length")
  headers:remove("content-type")
end

local function answer_as_service_asked(handle, headers, status)
  local location = headers:get("x-redirect-location")
  local wanted = headers:get("x-http-status")
  headers:remove("x-redirect-location")
  headers:remove("x-http-status")
  if status == "200" and location ~= nil then
    headers:replace(":status", "302")
    headers:replace("location", location)
    drop_body(handle, headers)
  elseif status == "200" and wanted ~= nil and STATUSES[wanted] then
    headers:replace(":status", wanted)
    if wanted == "204" then drop_body(handle, headers) end
  elseif status == "400" and wanted == "422" then
    headers:replace(":status", "422")
  elseif status == "400" then
    local body = handle:body()
    if body ~= nil and body:getBytes(0, math.min(body:length(), 32)):match(FAILED_PRECONDITION) then
      headers:replace(":status", "409")
    end
  elseif (status == "429" or status == "503") and headers:get("retry-after") == nil then
    headers:replace("retry-after", "1")
  end
end

function envoy_on_response(handle)
  local seen = handle:streamInfo():dynamicMetadata():get("gateway.edge")
  if seen ~= nil and seen["grpc"] then return end
  local headers = handle:headers()
  answer_as_service_asked(handle, headers, headers:get(":status"))
end
