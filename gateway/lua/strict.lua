-- Second Lua step, behind the limit for all traffic. It decides once what was asked, from the tables ROUTES and
-- MESSAGES that the renderer writes before this text (gateway/request_tables.py): what is given twice, in two places or
-- in a way that no contract knows is refused here, because the transcoder would take one of the values or drop it.

local find, byte, sub = string.find, string.byte, string.sub
local DEPTH_MAX = 64
local NAME_LENGTH_MAX = 100
-- What services take is more (meshkit/grpc/server.py), since the gateway adds headers of its own and the path once more.
local PATH_LENGTH_MAX = 8 * 1024
local HEADERS_SIZE_MAX = 24 * 1024
local ESCAPES = "[\"\\\\/bfnrt]"
local LITERALS = { "true", "false", "null" }
local NOT_JSON = "is not valid JSON"

-- Refusals are thrown as a table from wherever they are found and answered in one place.
local function refuse(field, text, status, limit)
  error({ field = field, text = text, status = status or "400", limit = limit }, 0)
end

-- ---- bytes

local function valid_utf8(text)
  local at = find(text, "[\128-\255]")
  while at do
    local _, stop = find(text, "^[\194-\223][\128-\191]", at)
    if not stop then _, stop = find(text, "^[\225-\236\238\239][\128-\191][\128-\191]", at) end
    if not stop then _, stop = find(text, "^\224[\160-\191][\128-\191]", at) end
    if not stop then _, stop = find(text, "^\237[\128-\159][\128-\191]", at) end
    if not stop then _, stop = find(text, "^[\241-\243][\128-\191][\128-\191][\128-\191]", at) end
    if not stop then _, stop = find(text, "^\240[\144-\191][\128-\191][\128-\191]", at) end
    if not stop then _, stop = find(text, "^\244[\128-\143][\128-\191][\128-\191]", at) end
    if not stop then return false end
    at = find(text, "[\128-\255]", stop + 1)
  end
  return true
end

local function unquote(text)
  local plain = text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  return plain
end

local function check_text(field, raw)
  if raw:find("%%") and raw:gsub("%%%x%x", ""):find("%%") then
    refuse(field, "has a % that is not followed by two hexadecimal digits; write a plain % as %25")
  end
  if not valid_utf8(unquote(raw)) then refuse(field, "is not valid UTF-8") end
end

-- ---- path

-- The same order in which the transcoder looks: a literal first, then a variable.
local function walk(node, segments, at, values)
  if at > #segments then return node.route end
  local segment = segments[at]
  local found = node.literals and node.literals[segment] and walk(node.literals[segment], segments, at + 1, values)
  if found then return found end
  if node.variable and segment ~= "" then
    found = walk(node.variable, segments, at + 1, values)
    if found then values[#values + 1] = segment end
    return found
  end
end

local function route_of(verb, path)
  local top = ROUTES[verb]
  if top == nil then return nil end
  local segments = {}
  for segment in path:gmatch("/([^/]*)") do segments[#segments + 1] = segment end
  if segments[#segments] == "" then segments[#segments] = nil end
  local values = {}
  local route = walk(top, segments, 1, values)
  if route then
    -- Collected on the way back, so the last variable comes first.
    for index, name in ipairs(route.path) do check_text(name, values[#values + 1 - index]) end
  end
  return route
end

-- ---- query

local function check_parameter(route, name, value)
  if route.bound[name] then refuse(route.bound[name], "is given by the path; leave it out of the query") end
  local known = route.params[name]
  if known == nil then
    if route.body == "json" then refuse(name, "is not taken from the query; this call takes its values from the body") end
    refuse(name, "is not a query parameter of this call")
  end
  if value == nil then refuse(known, "needs a value: " .. known .. "=...") end
  check_text(known, value)
  return known
end

local function check_date(field, value)
  local rest = unquote(value):match("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*(.*)$")
  if rest ~= "Z" and not (rest and find(rest, "^[+-]%d%d:%d%d$")) then
    refuse(field, "must be an instant like 2026-01-31T12:00:00Z or 2026-01-31T14:00:00+02:00")
  end
end

-- Returns the query as the transcoder shall read it: "+" is a blank there, but not in a date.
local function checked_query(route, query)
  local seen, parts, changed = {}, {}, false
  for part in query:gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=(.*)$")
    local known = check_parameter(route, name or part, value)
    if seen[known] and not route.many[known] then refuse(known, "is given twice in the query") end
    seen[known] = true
    if route.dates[known] then
      check_date(known, value)
      if find(value, "+", 1, true) then part, changed = name .. "=" .. value:gsub("%+", "%%2B"), true end
    end
    parts[#parts + 1] = part
  end
  return changed and table.concat(parts, "&") or query
end

-- ---- JSON

local function scan_escape(text, at)
  local digits = text:match("^u(%x%x%x%x)", at + 1)
  if digits == nil then
    if not find(text, "^" .. ESCAPES, at + 1) then refuse("body", NOT_JSON) end
    return at + 2
  end
  local unit = tonumber(digits, 16)
  if unit < 0xD800 or unit > 0xDFFF then return at + 6 end
  if unit > 0xDBFF or not find(text, "^\\u[dD][c-fC-F]%x%x", at + 6) then refuse("body", "has half a surrogate pair") end
  return at + 12
end

-- `at` is on the opening quote; returns where the text goes on behind the closing one.
local function scan_string(text, at)
  local from = at + 1
  while true do
    local stop = find(text, '["\\%z\1-\31]', from)
    local char = stop and byte(text, stop)
    if char == 34 then return stop + 1 end
    if char ~= 92 then refuse("body", NOT_JSON) end
    from = scan_escape(text, stop)
  end
end

local function scan_scalar(text, at)
  for _, word in ipairs(LITERALS) do
    if sub(text, at, at + #word - 1) == word then return at + #word end
  end
  local _, stop = find(text, "^-?%d+", at)
  if stop == nil or find(text, "^-?0%d", at) then refuse("body", NOT_JSON) end
  local _, fraction = find(text, "^%.%d+", stop + 1)
  stop = fraction or stop
  local _, exponent = find(text, "^[eE][+-]?%d+", stop + 1)
  return (exponent or stop) + 1
end

local function skip(text, at) return find(text, "[^ \t\r\n]", at) or #text + 1 end

-- Of a call that keeps what is absent: why each field must not be null, which the transcoder reads as absent. A list has
-- no other way to be absent than to be empty. Set before each scan; nothing suspends in between.
local nulls

local scan_value

local function name_of(message, key, prefix, bound)
  if message.names == nil then
    if find(key, "\\", 1, true) then refuse(prefix .. key, "must be a key without escapes") end
    return key
  end
  local name = message.names[key]
  if name == nil then refuse(prefix .. key, "is not a field of this request") end
  if bound and bound[name] then refuse(name, "is given by the path; leave it out of the body") end
  return name
end

local function scan_object(text, at, kind, prefix, depth, bound)
  local message, seen = MESSAGES[kind], {}
  if message == nil then refuse(prefix:sub(1, -2), "must not be an object") end
  at = skip(text, at + 1)
  if byte(text, at) == 125 then return at + 1 end
  while true do
    if byte(text, at) ~= 34 then refuse("body", NOT_JSON) end
    local stop = scan_string(text, at)
    local key = sub(text, at + 1, stop - 2)
    local name = name_of(message, key, prefix, bound)
    if seen[name] then refuse(prefix .. name, "is given twice") end
    seen[name] = true
    at = skip(text, stop)
    if byte(text, at) ~= 58 then refuse("body", NOT_JSON) end
    at = skip(text, at + 1)
    at = skip(text, scan_value(text, at, message.kinds[message.names and name or "value"], prefix, name, depth))
    local char = byte(text, at)
    if char == 125 then return at + 1 end
    if char ~= 44 then refuse("body", NOT_JSON) end
    at = skip(text, at + 1)
  end
end

local function scan_array(text, at, kind, prefix, name, depth)
  local index = 0
  at = skip(text, at + 1)
  if byte(text, at) == 93 then
    if nulls and prefix == "" then refuse(name, "must not be empty; leave it out to keep what is there") end
    return at + 1
  end
  while true do
    at = skip(text, scan_value(text, at, kind, prefix, name .. "[" .. index .. "]", depth))
    local char = byte(text, at)
    if char == 93 then return at + 1 end
    if char ~= 44 then refuse("body", NOT_JSON) end
    at, index = skip(text, at + 1), index + 1
  end
end

function scan_value(text, at, kind, prefix, name, depth)
  local char = byte(text, at)
  if char == 34 then return scan_string(text, at) end
  if char == 110 and nulls then refuse(prefix .. name, nulls[prefix .. name] or "must not be null") end
  if char ~= 123 and char ~= 91 then return scan_scalar(text, at) end
  if depth > DEPTH_MAX then refuse("body", "is nested too deeply") end
  if char == 123 then return scan_object(text, at, kind, prefix .. name .. ".", depth + 1) end
  return scan_array(text, at, kind, prefix, name, depth + 1)
end

local function check_json(text, route)
  if not valid_utf8(text) then refuse("body", "is not valid UTF-8") end
  local at = skip(text, 1)
  if byte(text, at) ~= 123 then refuse("body", "must be a JSON object") end
  nulls = route.nulls
  local stop = skip(text, scan_object(text, at, route.kind, "", 1, route.bound))
  if stop <= #text then refuse("body", NOT_JSON) end
end

-- ---- headers

local function is_json(content_type)
  local kind, rest = content_type:lower():match("^%s*([^;%s]*)%s*(.*)$")
  local charset = rest:match("charset%s*=%s*\"?([%w-]+)")
  return kind == "application/json" and (charset == nil or charset == "utf-8")
end

-- Words of gRPC's runtime, which fails when it cannot read them. Nobody outside needs more than these.
local GRPC_HEADERS = { ["grpc-encoding"] = true, ["grpc-accept-encoding"] = true }

local function check_header(name, value)
  -- What gRPC knows as a name: others would be answered by its runtime, as a failure of its own.
  if find(name, "[^%l%d_.:-]") then refuse(name, "is no header name that is taken; letters, digits, - and . only") end
  if find(value, "[^ -~]") then refuse(name, "has a byte that no header may have; printable ASCII only") end
  if name:sub(-4) == "-bin" and (not find(value, "^[%w+/]*=?=?$") or #value:gsub("=", "") % 4 == 1) then
    refuse(name, "is not base64, as binary headers are written")
  end
end

-- Services get no cookies, which other applications of a domain set, and no words for gRPC's runtime except known ones.
local function is_ours(name, is_grpc)
  if name == "grpc-timeout" then return true end
  if name:sub(1, 5) == "grpc-" then return is_grpc and GRPC_HEADERS[name] end
  return name ~= "cookie" and name:sub(1, 3) ~= "lb-"
end

local function check_headers(headers, is_grpc)
  local size, dropped = 0, {}
  for name, value in pairs(headers) do
    if is_ours(name, is_grpc) then
      check_header(name, value)
      size = size + #name + #value
    else
      dropped[#dropped + 1] = name
    end
  end
  for _, name in ipairs(dropped) do headers:remove(name) end
  if #headers:get(":path") > PATH_LENGTH_MAX then
    refuse("path", "must be at most " .. PATH_LENGTH_MAX .. " bytes with its query", "414", PATH_LENGTH_MAX)
  end
  if size > HEADERS_SIZE_MAX then
    refuse("headers", "must be at most " .. HEADERS_SIZE_MAX .. " bytes together", "431", HEADERS_SIZE_MAX)
  end
  local timeout = headers:get("grpc-timeout")
  if timeout and (#timeout > 9 or not find(timeout, "^%d+[HMSmun]$")) then refuse("grpc-timeout", "must be like 500m") end
  local compression = headers:get("grpc-encoding")
  if compression and compression ~= "identity" then refuse("grpc-encoding", "must be identity; send messages as they are") end
end

local function check_kind_of_body(headers, route)
  local encoding = headers:get("content-encoding")
  if encoding and encoding:lower() ~= "identity" then
    refuse("content-encoding", "is not taken; send the body as it is", "415")
  end
  local given = headers:get("content-type")
  if route.body == "json" and given and not is_json(given) then
    refuse("content-type", "must be application/json in UTF-8", "415")
  end
  local length = tonumber(headers:get("content-length") or "")
  if length and length > route.limit then
    refuse("body", "must be at most " .. route.limit .. " bytes", nil, route.limit)
  end
  return given
end

-- ---- answers

local function printable(name)
  local cut = sub(name, 1, NAME_LENGTH_MAX)
  return (cut:gsub("[^%w_.%-%[%]]", "?"))
end

local function answer(handle, refusal)
  if type(refusal) ~= "table" then
    -- A defect of this script. Envoy would log it and hand the request on unchecked.
    handle:logErr(tostring(refusal))
    handle:respond({ [":status"] = "500" }, "")
    return
  end
  local field = printable(refusal.field)
  local text = refusal.text:gsub('"', "'")
  local message = field .. ": " .. text
  if handle:headers():get("content-type") and handle:headers():get("content-type"):sub(1, 16) == "application/grpc" then
    handle:respond({ [":status"] = "400" }, message)
    return
  end
  local limit = refusal.limit and ',"limit_bytes":"' .. refusal.limit .. '"' or ""
  local body = '{"code":3,"message":"' .. message .. '","details":['
    .. '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"VALIDATION_ERROR",'
    .. '"domain":"gateway.marketmesh","metadata":{"field":"' .. field .. '"' .. limit .. "}},"
    .. '{"@type":"type.googleapis.com/google.rpc.BadRequest","field_violations":['
    .. '{"field":"' .. field .. '","description":"' .. text .. '"}]}]}'
  handle:respond({ [":status"] = refusal.status, ["content-type"] = "application/json" }, body)
end

local function check_head(handle, headers, route, path)
  local plain, query = path:match("^([^?]*)%??(.*)$")
  local wanted = checked_query(route, query)
  if wanted ~= query then
    headers:replace(":path", plain .. "?" .. wanted)
    handle:clearRouteCache()
  end
  return check_kind_of_body(headers, route)
end

local function check_body(route, text, content_type)
  if #text > route.limit then refuse("body", "must be at most " .. route.limit .. " bytes", nil, route.limit) end
  if route.body == "none" and #text > 0 then refuse("body", "is not taken by this call; leave it out") end
  if route.body == "json" and #text > 0 then
    if content_type == nil then refuse("content-type", "must be application/json", "415") end
    check_json(text, route)
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local is_grpc = (headers:get("content-type") or ""):sub(1, 16) == "application/grpc"
  local fine, found = pcall(check_headers, headers, is_grpc)
  if not fine then
    -- A gRPC client that still sends may take an answer for a reset.
    if is_grpc then handle:body() end
    return answer(handle, found)
  end
  if is_grpc then
    if headers:get(":method") ~= "POST" then return answer(handle, { field = "method", text = "must be POST for gRPC" }) end
    -- gRPC's runtime hangs up on a call without it, and clients of HTTP/1 leave it out.
    headers:replace("te", "trailers")
    local content_type = headers:get("content-type")
    local message = handle:body()
    local fault = fault_of_frame(content_type, message and message:getBytes(0, message:length()) or "")
    if fault then answer(handle, { field = "body", text = fault }) end
    return
  end

  local path, verb = headers:get(":path"), headers:get(":method")
  local found_route, route = pcall(route_of, verb, path:match("^[^?]*"))
  if not found_route then return answer(handle, route) end
  if route == nil then
    -- Never handed on: what this step does not know the transcoder must not find.
    if handle:streamInfo():routeName() ~= "page" then handle:respond({ [":status"] = "404" }, "") end
    return
  end

  local head_fine, content_type = pcall(check_head, handle, headers, route, path)
  if not head_fine then return answer(handle, content_type) end
  -- Reading the body suspends the script, so nothing fetched before is used after it.
  local body = handle:body()
  if body == nil then return end
  local body_fine, refusal = pcall(check_body, route, body:getBytes(0, body:length()), content_type)
  if not body_fine then answer(handle, refusal) end
end
