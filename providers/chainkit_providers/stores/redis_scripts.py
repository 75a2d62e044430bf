"""What the server itself does for the store on Redis, in its own language: replace a document, and BM25.

Keys stand under one prefix in braces, so that a cluster keeps them together: `stamps`, `about` and `rows` by document,
`chunk`, `often`, `long` and `vector` by number, `term:<term>` from number to how often.
"""

DROP = """
local p = KEYS[1]
local function drop(id)
  local held = redis.call('HGET', p .. 'rows', id)
  if not held then return 0 end
  for _, n in ipairs(cjson.decode(held)) do
    for term in pairs(cjson.decode(redis.call('HGET', p .. 'often', n))) do
      redis.call('HDEL', p .. 'term:' .. term, n)
    end
    redis.call('DECRBY', p .. 'total', redis.call('HGET', p .. 'long', n))
    for _, kept in ipairs({'chunk', 'often', 'long', 'vector'}) do redis.call('HDEL', p .. kept, n) end
  end
  for _, kept in ipairs({'rows', 'about', 'stamps'}) do redis.call('HDEL', p .. kept, id) end
  redis.call('INCR', p .. 'version')
  return 1
end
"""
REMOVE = DROP + "return drop(ARGV[1])"
PUT = (
    DROP
    + """
local id, stamp, about, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
drop(id)
local numbers = {}
for i = 0, count - 1 do
  local chunk, often, long, vector = ARGV[5 + 4 * i], ARGV[6 + 4 * i], ARGV[7 + 4 * i], ARGV[8 + 4 * i]
  local n = tostring(redis.call('INCR', p .. 'next'))
  redis.call('HSET', p .. 'chunk', n, chunk)
  redis.call('HSET', p .. 'often', n, often)
  redis.call('HSET', p .. 'long', n, long)
  redis.call('INCRBY', p .. 'total', long)
  if vector ~= '' then redis.call('HSET', p .. 'vector', n, vector) end
  for term, times in pairs(cjson.decode(often)) do redis.call('HSET', p .. 'term:' .. term, n, times) end
  numbers[#numbers + 1] = n
end
redis.call('HSET', p .. 'rows', id, cjson.encode(numbers))
redis.call('HSET', p .. 'about', id, about)
redis.call('HSET', p .. 'stamps', id, stamp)
redis.call('INCR', p .. 'version')
"""
)
MATCH = """
local p, most = KEYS[1], tonumber(ARGV[1])
local all = redis.call('HLEN', p .. 'long')
if all == 0 then return {} end
local usual = math.max(1, tonumber(redis.call('GET', p .. 'total')) / all)
local long, score, found = {}, {}, {}
for i = 2, #ARGV do
  local held = redis.call('HGETALL', p .. 'term:' .. ARGV[i])
  local df = #held / 2
  local weight = math.log(1 + (all - df + 0.5) / (df + 0.5))
  for at = 1, #held, 2 do
    local n, times = held[at], tonumber(held[at + 1])
    if not long[n] then
      long[n] = tonumber(redis.call('HGET', p .. 'long', n))
      found[#found + 1] = n
    end
    score[n] = (score[n] or 0) + weight * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * long[n] / usual))
  end
end
table.sort(found, function(a, b)
  if score[a] ~= score[b] then return score[a] > score[b] end
  return tonumber(a) < tonumber(b)
end)
local best = {}
for i = 1, math.min(most, #found) do
  best[#best + 1] = found[i]
  best[#best + 1] = string.format('%.17g', score[found[i]])
end
return best
"""
