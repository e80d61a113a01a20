from secateur.report import cuts
from secateur.report.cuts import Stack, stacks, totals
from secateur.report.sites import Site


def site(module: str, granularity: str, kept: int, units: int = 4) -> Site:
    return Site(module=module, granularity=granularity, kept=kept, units=units)


def only(*found: Site) -> Stack:
    (stack,) = stacks(found)
    return stack


def test_columns_run_as_a_conformer_block_does():
    names = ("conv", "feed_forward2", "mystery", "self_attn", "feed_forward1")
    stack = only(*(site(f"encoder.layers.0.{name}", "x", 1) for name in names))
    assert stack.columns == ("feed_forward1", "self_attn", "conv", "feed_forward2", "mystery")


def test_blocks_are_in_the_order_of_their_numbers_and_gaps_are_whole():
    stack = only(site("encoder.layers.10.conv", "x", 1), site("encoder.layers.2.conv", "x", 2))
    assert [block.name for block in stack.blocks] == [str(index) for index in range(11)]
    assert stack.blocks[5].spots[0].bars == ()
    assert not stack.blocks[5].spots[0].gone


def test_a_module_that_left_is_gone_whatever_its_units_say():
    stack = only(site("e.layers.0.conv", "conv_channel", 4), site("e.layers.0.conv", "module", 0, 1))
    assert stack.blocks[0].spots[0].gone


def test_a_module_that_stayed_shows_its_units():
    stack = only(site("e.layers.0.conv", "conv_channel", 3), site("e.layers.0.conv", "module", 1, 1))
    (bar,) = stack.blocks[0].spots[0].bars
    assert (bar.kept, bar.units, bar.share) == (3, 4, 0.75)


def test_a_place_that_keeps_no_unit_is_gone():
    assert only(site("e.layers.0.self_attn", "head", 0)).blocks[0].spots[0].gone


def test_a_block_that_left_as_a_whole_is_gone():
    stack = only(site("e.layers.1", "layer", 0, 1), site("e.layers.0.conv", "module", 1, 1))
    assert [block.gone for block in stack.blocks] == [False, True]


def test_matrices_of_one_module_are_added_up():
    stack = only(site("e.layers.0.ff.linear1", "element", 10, 100), site("e.layers.0.ff.linear2", "element", 30, 100))
    (bar,) = stack.blocks[0].spots[0].bars
    assert (bar.kept, bar.units) == (40, 200)


def test_encoder_and_decoder_are_two_stacks_and_the_rest_comes_last():
    found = stacks([site("lm_head", "element", 1), site("d.layers.0.fc1", "x", 1), site("e.layers.0.fc1", "x", 1)])
    assert [stack.name for stack in found] == ["d.layers", "e.layers", ""]
    assert [block.name for block in found[2].blocks] == ["lm_head"]


def test_units_of_the_block_itself_stand_under_their_granularity():
    assert only(site("e.layers.0", "ffn_unit", 3)).columns == ("ffn_unit",)


def test_too_many_columns_are_folded_into_one():
    stack = only(*(site(f"e.layers.0.part{index}", "x", 1) for index in range(cuts.MAX_COLUMNS + 5)))
    assert len(stack.columns) == cuts.MAX_COLUMNS
    assert stack.blocks[0].spots[-1].bars[0].units == 6 * 4


def test_a_block_number_beyond_reason_is_not_filled_up_to():
    assert len(only(site("e.layers.123456789012.conv", "x", 1)).blocks) == 1


def test_totals_are_per_granularity():
    found = totals([site("a", "head", 1), site("b", "head", 2), site("c", "ffn_unit", 3)])
    assert [(bar.name, bar.kept, bar.units) for bar in found] == [("heads", 3, 8), ("feed-forward units", 3, 4)]
