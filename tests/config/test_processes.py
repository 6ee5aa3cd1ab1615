"""Forks, seen from a process of their own: the one that runs the tests has threads."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import psutil

from tests.conftest import ROOT, wait_until


def run(script: str) -> str:
    """Run a script that knows about forks; return what it printed."""
    lines = [
        "import os, signal, sys, threading, time",
        "from pathlib import Path",
        "from config.processes import Fork",
        textwrap.dedent(script),
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_a_fork_goes_on_with_what_is_loaded_and_tells_how_it_ended():
    shown = run("""
        loaded = {"a": 1}
        ended, killed = Fork("one", lambda: 2 + loaded["a"]), Fork("other", lambda: time.sleep(60))
        print(ended.wait(30), ended.poll(), ended.status)
        print(killed.wait(0.01), killed.poll())
        killed.send(signal.SIGTERM)
        print(killed.wait(30), killed.status == -signal.SIGTERM)
        ended.kill(), killed.kill(), killed.send(signal.SIGTERM)  # it is too late for that
        print(ended.status, killed.status == -signal.SIGTERM)
    """)

    assert shown == "True 3 3\nFalse None\nTrue True\n3 True\n"


def test_a_fork_that_is_killed_has_ended_when_that_returns():
    shown = run("""
        forked = Fork("stubborn", lambda: [signal.pause() for _ in iter(int, 1)])
        forked.kill()
        print(forked.status == -signal.SIGKILL, Path(f"/proc/{forked.pid}").exists())
    """)

    assert shown == "True False\n"


def test_an_error_in_a_fork_is_its_exit_status_and_nothing_of_its_parent_runs_there():
    shown = run("""
        forked = Fork("fails", lambda: 1 // 0)
        forked.wait(30)
        print("once", forked.status)
    """)

    assert shown == "once 1\n"


def test_a_fork_has_a_name_and_a_session_of_its_own():
    shown = run("""
        read, write = os.pipe()
        forked = Fork("jobspine test", lambda: os.read(read, 1)[0])
        ours, its = Path("/proc/self/comm"), Path(f"/proc/{forked.pid}/comm")
        while its.read_text() == ours.read_text():
            time.sleep(0.01)
        print(its.read_text().strip(), os.getsid(forked.pid) == forked.pid)
        os.write(write, b"\\x07")
        print(forked.wait(30), forked.status)
    """)

    assert shown == "jobspine test True\nTrue 7\n"


def test_a_fork_ends_with_its_parent_whatever_ends_that():
    script = (
        "import os, signal, time; from config.processes import Fork\n"
        "forked = Fork('orphan', lambda: time.sleep(60))\n"
        "print(forked.pid, flush=True); signal.pause()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        forked = int(parent.stdout.readline())
        assert psutil.pid_exists(forked)
        parent.kill()

    wait_until(lambda: not psutil.pid_exists(forked))


def test_a_fork_that_is_told_to_end_at_once_does():
    shown = run("""
        signal.signal(signal.SIGTERM, lambda *_: None)  # what a parent does then
        forks = []
        for _ in range(50):
            forks.append(Fork("told", lambda: [signal.pause() for _ in iter(int, 1)]))
            forks[-1].send(signal.SIGTERM)
        print({one.wait(30) and one.status == -signal.SIGTERM for one in forks})
    """)

    assert shown == "{True}\n"


def test_a_process_of_several_threads_does_not_fork():
    shown = run("""
        threading.Thread(target=time.sleep, args=[60], daemon=True).start()
        try:
            Fork("never", lambda: 0)
        except RuntimeError as error:
            print(error)
    """)

    assert shown == "a process of several threads cannot fork\n"
