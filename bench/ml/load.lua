-- What training programs send, in a closed loop: KIND names the call; PATH_PREFIX, EXPERIMENT and RUNS (ids, with spaces)
-- say where. Answers other than 200 are counted and end the bench.
local kind, experiment = os.getenv("KIND"), os.getenv("EXPERIMENT")
local base = "/api/2.0/mlflow/"
local run_ids = {}
for id in (os.getenv("RUNS") or ""):gmatch("%S+") do run_ids[#run_ids + 1] = id end
local salt = os.getenv("SALT") or "0"
local threads = 0
local all = {}

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
  all[#all + 1] = thread
end

count, bad = 0, 0

function init()
  -- wrk makes one request of its first thread to look at it, and does not send it.
  if number == 0 then count = -1 end
end

local function run() return run_ids[number % #run_ids + 1] end

local makers = {
  create_run = function()
    return "runs/create", string.format('{"experiment_id":"%s","start_time":%d,"run_name":"bench"}', experiment, 1700000000000 + count)
  end,
  log_metric = function()
    return "runs/log-metric", string.format(
      '{"run_id":"%s","key":"loss","value":%.6f,"timestamp":%d,"step":%d}', run(), 1 / (count + 1), 1700000000000 + count, count)
  end,
  create_version = function()
    -- A model, then its first version.
    local name = string.format("model-%s-%d-%d", salt, number, math.floor((count - 1) / 2))
    if count % 2 == 1 then
      return "registered-models/create", string.format('{"name":"%s"}', name)
    end
    return "model-versions/create", string.format('{"name":"%s","source":"s3://bucket/model"}', name)
  end,
}

local function batch(series)
  return function()
    local pieces = {}
    for at = 0, 999 do
      pieces[#pieces + 1] = string.format(
        '{"key":"m%d","value":%.6f,"timestamp":%d,"step":%d}', at % series, at / 7, 1700000000000 + count, count * 1000 + at)
    end
    return "runs/log-batch", string.format('{"run_id":"%s","metrics":[%s]}', run(), table.concat(pieces, ","))
  end
end
makers.batch_10 = batch(10)
makers.batch_1000 = batch(1000)

function request()
  count = count + 1
  local path, body = makers[kind]()
  return wrk.format("POST", base .. path, nil, body)
end

function response(status)
  if status ~= 200 then bad = bad + 1 end
end

function done(summary, latency)
  local refused = 0
  for _, thread in ipairs(all) do refused = refused + thread:get("bad") end
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("RESULT %d %.6f %.3f %.3f %.3f %d", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, refused + broken))
end
