"""Load from the program ``wrk``: sixteen connections from one thread, on the machine the servers run on."""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

CONNECTIONS = 16
MIXED = """
math.randomseed({seed})
local count = 0
request = function()
  count = count + 1
  if count % 20 > 0 then return wrk.format("GET", "{read}", {{["Accept-Encoding"] = "gzip"}}) end
  local body = string.format('{body}', math.random(1, 2000000000) .. "-" .. count)
  return wrk.format("POST", string.format("{write}", count % 200), {{["Content-Type"] = "application/json"}}, body)
end
"""
SPREAD = """
math.randomseed({seed})
local count = 0
request = function()
  count = count + 1
  if count % 20 > 0 then
    local read = "/embed/blog/r" .. math.random(1, {reads}) .. "?lang=en"
    return wrk.format("GET", read, {{["Accept-Encoding"] = "gzip"}})
  end
  local text = "A comment of its own: " .. math.random(1, 2000000000) .. "-" .. count
  local body = '{{"author": "Bob", "body": "' .. text .. '"}}'
  local write = "/api/v1/threads/blog/w" .. math.random(1, {writes}) .. "/comments"
  return wrk.format("POST", write, {{["Content-Type"] = "application/json"}}, body)
end
"""
POSTS = """
math.randomseed({seed})
local count = 0
request = function()
  count = count + 1
  local body = string.format('{body}', math.random(1, 2000000000) .. "-" .. count)
  local write = string.format("{write}", count % {threads})
  return wrk.format("POST", write, {{["Content-Type"] = "application/json"}}, body)
end
done = function(summary, latency)
  io.write(string.format("p50 %.3f p99 %.3f\\n", latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""
EVER_NEW = """
math.randomseed({seed})
local count, run = 0, math.random(1, 2000000000)
request = function()
  count = count + 1
  local path = string.format("{path}", "p" .. run .. "/" .. count .. ".html")
  return wrk.format("GET", path, {{["Accept-Encoding"] = "gzip"}})
end
"""


@dataclass(frozen=True)
class Load:
    """Answers a second, and how long the median one and all but one in a hundred took, in milliseconds."""

    rate: float
    median: float
    slowest: float


def posts(root: str, write: str, body: str, *, threads: int, clients: int, seconds: float, seed: int) -> Load:
    """Comments, one after the other from each client; ``%s`` in ``body`` becomes a text of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(POSTS.format(seed=seed, write=write, body=body, threads=threads))
        script.flush()
        said = _said(["-s", script.name, root], seconds, clients)
    found = re.search(r"p50 ([\d.]+) p99 ([\d.]+)", said)
    if found is None:
        sys.exit(said)
    return Load(_rate(said), float(found[1]), float(found[2]))


def reads(url: str, seconds: float, *, gzip: bool = False) -> float:
    """Answers a second to the same question over and over."""
    header = ["-H", "Accept-Encoding: gzip"] if gzip else []
    return _run([*header, url], seconds)


def ever_new(root: str, path: str, seconds: float, seed: int) -> float:
    """Answers a second where nobody asked the same before; ``%s`` in ``path`` becomes a name of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(EVER_NEW.format(seed=seed, path=path))
        script.flush()
        return _run(["-s", script.name, root], seconds)


def mixed(root: str, read: str, write: str, body: str, seconds: float, seed: int) -> float:
    """Answers a second where one question in twenty posts a comment; ``%s`` in ``body`` becomes a text of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(MIXED.format(seed=seed, read=read, write=write, body=body))
        script.flush()
        return _run(["-s", script.name, root], seconds)


def spread(root: str, reads: int, writes: int, seconds: float, seed: int) -> float:
    """Answers a second where 95 of 100 read one of so many threads, and 5 write to one of so many others."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SPREAD.format(seed=seed, reads=reads, writes=writes))
        script.flush()
        return _run(["-s", script.name, root], seconds)


def _run(argv: list[str], seconds: float) -> float:
    return _rate(_said(argv, seconds, CONNECTIONS))


def _said(argv: list[str], seconds: float, connections: int) -> str:
    program = shutil.which("wrk") or sys.exit("wrk is needed (Debian's package wrk)")
    run = [program, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", *argv]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", said):
        sys.exit(f"{refused[1]} answers of {argv[-1]} were refusals:\n{said}")
    return said


def _rate(said: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return float(found[1]) if found else 0.0
