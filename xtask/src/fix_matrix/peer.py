"""Answers requests with the planner of kconfig-mcp: one JSON value a line, `{"config": PATH}` or `{"symbol": NAME, "value": VALUE}`."""

import json
import os
import signal
import sys
import time

from kconfig_mcp import engine, loader


class Late(Exception):
    pass


def stop(_number, _frame):
    raise Late


def answer(session, symbol, value):
    wanted = session.syms[symbol]
    need = engine.TRI[value]
    started = time.process_time()
    kept = engine.snapshot(session)
    signal.alarm(int(os.environ["PEER_SECONDS"]))
    try:
        plans, _ = engine.plan_for(session, wanted, need)
        found = engine.verify(session, wanted, need, plans)
        signal.alarm(0)
        plan = None if found is None else found[0]
        return {"plan": plan, "seconds": time.process_time() - started}
    except Late:
        engine.restore(session, kept)
        return {"plan": None, "seconds": time.process_time() - started, "late": True}


def main():
    sys.setrecursionlimit(100000)
    signal.signal(signal.SIGALRM, stop)
    session = loader.load(os.path.join(os.environ["srctree"], "Kconfig"), None, dict(os.environ)).kconf
    for line in sys.stdin:
        asked = json.loads(line)
        if "config" in asked:
            session.load_config(asked["config"])
            said = {}
        else:
            said = answer(session, asked["symbol"], asked["value"])
        print(json.dumps(said), flush=True)


main()
