-- bench/http/post.lua - bodies for wrk: from a file, one a line, each thread beginning elsewhere.
-- SPDX-License-Identifier: GPL-3.0-or-later
local bodies, at = {}, 0
local threads = 0

function setup(thread)
	thread:set("start", threads * 10007)
	threads = threads + 1
end

function init(args)
	for line in io.lines(args[1]) do
		bodies[#bodies + 1] = line
	end
	at = start
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"
end

function request()
	at = at + 1
	return wrk.format(nil, nil, nil, bodies[at % #bodies + 1])
end
