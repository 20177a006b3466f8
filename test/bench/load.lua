-- Load of the bench for wrk: market orders that alternate buy and sell on each account.
-- Arguments after "--": prefix, api key, symbol, qty, commands per request, account ids (CSV).
-- One thread only (-t1): the counter below makes every request_id unique.

local prefix, symbol, qty, batch
local accounts = {}
local sent = 0

local SHAPE = '{"account_id":%s,"request_id":"%s-%d","command":"send_order","payload":'
    .. '{"symbol":"%s","side":"%s","order_type":"market","qty":"%s"}}'

function init(args)
    prefix, symbol, qty, batch = args[1], args[3], args[4], tonumber(args[5])
    for id in string.gmatch(args[6], "%d+") do
        accounts[#accounts + 1] = id
    end
    wrk.method = "POST"
    wrk.headers["content-type"] = "application/json"
    wrk.headers["x-api-key"] = args[2]
end

local function command(account, number, is_buy)
    return string.format(SHAPE, account, prefix, number, symbol, is_buy and "buy" or "sell", qty)
end

-- One command per request: every account buys in one turn and sells in the next.
local function single()
    local account = accounts[sent % #accounts + 1]
    return command(account, sent, math.floor(sent / #accounts) % 2 == 0)
end

-- A list belongs to one account; the next list goes to the next account.
local function list()
    local account = accounts[sent % #accounts + 1]
    local items = {}
    for item = 1, batch do
        items[item] = command(account, sent * batch + item, item % 2 == 1)
    end
    return "[" .. table.concat(items, ",") .. "]"
end

function request()
    local body = batch == 1 and single() or list()
    sent = sent + 1
    return wrk.format(nil, nil, nil, body)
end

function done(summary, latency, requests)
    io.write(string.format(
        'bench {"requests":%d,"duration_us":%d,"connect":%d,"read":%d,"write":%d,'
            .. '"status":%d,"timeout":%d,"p50_us":%d,"p99_us":%d}\n',
        summary.requests, summary.duration, summary.errors.connect, summary.errors.read,
        summary.errors.write, summary.errors.status, summary.errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
