from __future__ import annotations


def params(answer):
    """The fields at fault."""
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "incorrect_parameters"
    return {
        one["field"]: one["message"] for one in answer.json()["error"]["extra"]["invalid-params"]
    }


def test_a_user_is_recorded_and_shown_to_their_client_only(who, stranger):
    given = {
        "external_user_id": "12345",
        "first_name": "John",
        "last_name": "Doe",
        "email": "john.doe@example.com",
        "phone": "+14155554193",
        "ssn": "222233333",
    }
    made = who.post("/v1/users/", given)
    user = made.json()["id"]

    assert made.status_code == 201
    assert {**made.json(), "created_at": 0, "updated_at": 0} == {
        "id": user,
        "external_user_id": "12345",
        "first_name": "John",
        "last_name": "Doe",
        "email": "john.doe@example.com",
        "phone": "+14155554193",
        "created_at": 0,
        "updated_at": 0,
    }
    assert who.get(f"/v1/users/{user}/").json() == made.json()
    assert who.get("/v1/users/").json() == {
        "count": 1, "next": None, "previous": None, "results": [made.json()],
    }  # fmt: skip
    assert stranger.get(f"/v1/users/{user}/").json() == {"detail": "Not Found."}
    assert stranger.get("/v1/users/").json()["count"] == 0


def test_what_is_wrong_with_a_user_is_named_and_not_quoted(who):
    wrong = who.post("/v1/users/", {"email": "nobody", "first_name": "\u0000", "phone": "1" * 65})

    assert params(wrong) == {
        "external_user_id": "Missing data for required field.",
        "first_name": "Not a text.",
        "email": "Not a valid email address.",
        "phone": "Length must be between 0 and 64.",
    }


def test_a_bridge_token_says_what_it_is_for(who, stranger):
    user = who.user()
    path = f"/v1/users/{user}/tokens/"
    made = who.post(path, {"product_type": "income", "tracking_info": "any data", "locale": "es"})
    token = made.json()["bridge_token"]

    assert made.status_code == 201
    assert len(token) == 32
    assert made.json() == {
        "bridge_token": token,
        "user_id": user,
        "product_type": "income",
        "allowed_products": ["income"],
        "tracking_info": "any data",
        "order_id": None,
    }
    assert stranger.post(path, {"product_type": "income"}).status_code == 404


def test_a_bridge_token_is_for_a_known_product_and_an_account_that_there_can_be(who):
    path = f"/v1/users/{who.user()}/tokens/"
    product = who.post(path, {"product_type": "lottery"})
    missing = who.post(path, {"product_type": "deposit_switch"})
    account = {"account_number": "12", "routing_number": "a", "deposit_type": "percent"}
    wrong = who.post(path, {"product_type": "deposit_switch", "account": account})
    value = {"account_number": "16002600", "routing_number": "123456789", "deposit_type": "percent"}
    none = who.post(path, {"product_type": "deposit_switch", "account": value})
    token = who.post(path, {"product_type": "income", "access_token": "0" * 32})
    values = [
        who.post(path, {"product_type": "deposit_switch", "account": {**value, **given}})
        for given in (
            {"deposit_value": "0"},
            {"deposit_value": "1000.01"},
            {"deposit_value": "12.345"},
            {"deposit_value": "1e-400"},
            {"deposit_type": "amount", "deposit_value": "1000001"},
            {"deposit_type": "amount"},
        )
    ]

    assert params(product) == {
        "product_type": "Must be one of: income, employment, deposit_switch, pll, insurance,"
        " transactions, assets."
    }
    assert params(missing) == {"account": "Missing data for required field."}
    assert set(params(wrong)) == {"account.account_number", "account.routing_number"}
    assert params(none) == {"account.deposit_value": "Missing data for required field."}
    assert [params(one) for one in values] == [
        {"account.deposit_value": "Must be above 0 and at most 1000."},
        {"account.deposit_value": "Must be above 0 and at most 1000."},
        {"account.deposit_value": "Must have no more than two decimals."},
        {"account.deposit_value": "Must have no more than two decimals."},
        {"account.deposit_value": "Must be above 0 and at most 1000000."},
        {"account.deposit_value": "Missing data for required field."},
    ]
    assert set(params(token)) == {"access_token"}
