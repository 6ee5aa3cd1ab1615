from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ledger.merkle import CensusEmpty, Tree, is_member, leaf, places

ONES, TWOS = "0x" + "11" * 20, "0x" + "22" * 20
hashes = st.binary(min_size=32, max_size=32)


def test_a_tree_has_the_root_that_openzeppelin_documents():
    leaves = [leaf(ONES, 5000000000000000000), leaf(TWOS, 2500000000000000000)]

    root = Tree(leaves).root

    assert leaves[0].hex() == "eb02c421cfa48976e66dfb29120745909ea3a0f843456c263cf8f1253483e283"
    assert leaves[1].hex() == "b92c48e9d7abe27fd8dfd6b5dfdbfb1c9a463f80c712b66f3a5180a090cccafc"
    assert root.hex() == "d4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"


def test_the_root_of_one_leaf_is_the_leaf():
    tree = Tree([leaf(ONES, 1)])

    assert tree.root == leaf(ONES, 1)
    assert tree.proof(0) == []
    assert is_member(tree.root, leaf(ONES, 1), [])


def test_a_census_without_anybody_is_refused():
    with pytest.raises(CensusEmpty, match="a census needs somebody in it"):
        Tree([])


@pytest.mark.parametrize("index", [-1, 3, 4, 100])
def test_a_leaf_that_is_not_there_has_no_proof(index):
    with pytest.raises(IndexError):
        Tree([bytes(32)] * 3).proof(index)


def test_a_proof_is_found_among_the_nodes_without_the_tree():
    tree = Tree([bytes([n]) * 32 for n in range(5)])

    nodes = [tree.nodes[n : n + 32] for n in range(0, len(tree.nodes), 32)]

    assert (len(nodes), nodes[-1]) == (5 + 3 + 2 + 1, tree.root)
    assert [places(index, 5) for index in (0, 3, 4)] == [[1, 6, 9], [2, 5, 9], [8]]
    assert [nodes[place] for place in places(2, 5)] == tree.proof(2)


def test_a_node_that_is_left_over_moves_up_as_it_is():
    leaves = [bytes([n]) * 32 for n in range(5)]
    tree = Tree(leaves)

    assert tree.proof(4) == [Tree(leaves[:4]).root]
    assert [len(tree.proof(n)) for n in range(5)] == [3, 3, 3, 3, 1]


@pytest.mark.parametrize("address", ["", "0x", "0x11", "0x" + "11" * 21, "0x" + "gg" * 20])
def test_a_leaf_needs_an_address(address):
    with pytest.raises(ValueError, match=r"20 bytes|hexadecimal"):
        leaf(address, 1)


@pytest.mark.parametrize("weight", [-1, 2**256])
def test_a_weight_has_256_bits(weight):
    with pytest.raises(OverflowError):
        leaf(ONES, weight)


def test_an_address_is_the_same_however_it_is_written():
    assert leaf("0x" + "AB" * 20, 1) == leaf("ab" * 20, 1)
    assert leaf(ONES, 1) != leaf(ONES, 2)


@settings(deadline=None)
@given(st.lists(hashes, min_size=1, max_size=40))
def test_every_leaf_has_a_proof_and_the_order_decides_the_root(leaves):
    tree = Tree(leaves)

    assert all(is_member(tree.root, one, tree.proof(i)) for i, one in enumerate(leaves))
    assert all(len(tree.proof(i)) <= (len(leaves) - 1).bit_length() for i in range(len(leaves)))
    assert Tree(leaves).root == tree.root


@settings(deadline=None)
@given(st.lists(hashes, min_size=2, max_size=20, unique=True), st.data())
def test_a_proof_proves_nothing_else(leaves, data):
    tree = Tree(leaves[1:])
    index = data.draw(st.integers(0, len(leaves) - 2))
    proof = tree.proof(index)

    assert not is_member(tree.root, leaves[0], proof)
    assert not is_member(tree.root, leaves[index + 1], [*proof, leaves[0]])
    assert not is_member(leaves[0], leaves[index + 1], proof)
    if proof:
        assert not is_member(tree.root, leaves[index + 1], proof[1:])
