-- Asks 20 times a second on each connection, whatever else goes on; prints the answer times as one line.
function delay() return 50 end

function done(summary, latency)
  io.write(string.format("p50 p99 max %d %.3f %.3f %.3f\n", summary.requests,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
