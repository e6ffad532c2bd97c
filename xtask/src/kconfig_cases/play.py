"""Plays the cases of a tree's scripts/kconfig/tests without pytest: of pytest, they use the decorator `fixture` only.

usage: play.py TESTS, in a folder that has scripts/kconfig/conf. Says which cases pass; fails when one does not.
"""

import importlib.util
import os
import sys
import traceback
import types


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Request:
    """What the fixture asks for: the path of the module that a case is in."""

    def __init__(self, module):
        self.fspath = module.__file__
        self.path = module.__file__
        self.module = module


def main(tests):
    sys.dont_write_bytecode = True
    pytest = types.ModuleType("pytest")
    pytest.fixture = lambda *args, **options: lambda function: function
    sys.modules["pytest"] = pytest
    conftest = load("conftest", os.path.join(tests, "conftest.py"))
    failed = passed = 0
    for folder, folders, files in sorted(os.walk(tests)):
        if "__init__.py" not in files:
            continue
        module = load("case_" + os.path.relpath(folder, tests).replace("/", "_"), os.path.join(folder, "__init__.py"))
        for name in sorted(name for name in vars(module) if name.startswith("test")):
            case = os.path.relpath(folder, tests) + "::" + name
            quiet = open(os.devnull, "w")
            sys.stdout, shown = quiet, sys.stdout
            for attempt in range(5):
                try:
                    conf = conftest.conf(Request(module))
                    vars(module)[name](conf)
                    failure = None
                except BrokenPipeError:
                    # The fixture types newlines until the program is seen to have ended, and may type one too many.
                    failure = traceback.format_exc()
                    continue
                except Exception:
                    failure = traceback.format_exc()
                break
            sys.stdout = shown
            if failure:
                failed += 1
                print(f"FAILED {case}\n{failure}stdout:\n{conf.stdout}stderr:\n{conf.stderr}")
            else:
                passed += 1
                print(f"passed {case}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main(os.path.abspath(sys.argv[1])))
