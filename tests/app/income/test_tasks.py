from __future__ import annotations

def test_x(who, perform, auditor):
    login = who.login()
    print(who.task(login["task_id"]))
    print(perform(login["task_id"]), auditor.job(login["task_id"]))
    print(who.task(login["task_id"]))
    import json
    print(json.dumps(who.report(login["link_id"]))[:3000])
    print(auditor.rows("select * from account_secrets"))
    print(auditor.job(login["task_id"]))
    assert 0
