using Schane.Cli;

namespace Schane.Tests.Cli.Terminals;

[Trait("Long", "1")]
public class TextLayoutTests
{
    private static readonly string[] Columns = ["class", "images", "what it is"];
    private static readonly string[][] Rows = [["oak", "12", "a broad tree of the north"], ["fir", "7", "evergreen"]];

    [Fact]
    public void Without_a_width_a_table_is_as_wide_as_it_needs_and_so_is_its_rule() => Assert.Equal(
    [
        "  class  images  what it is",
        "  ────────────────────────────────────────",
        "  oak    12      a broad tree of the north",
        "  fir    7       evergreen",
    ], TextLayout.Table(Columns, Rows, null));

    [Fact]
    public void In_a_narrow_terminal_the_widest_column_is_wrapped_between_words() => Assert.Equal(
    [
        "  class  images  what it is",
        "  ──────────────────────────────",
        "  oak    12      a broad tree of",
        "                 the north",
        "  fir    7       evergreen",
    ], TextLayout.Table(Columns, Rows, 32));

    [Fact]
    public void Where_the_longest_words_do_not_fit_side_by_side_each_row_is_stacked() => Assert.Equal(
    [
        "  oak",
        "    images: 12",
        "    what it is: a broad",
        "      tree of the north",
        "  fir",
        "    images: 7",
        "    what it is: evergreen",
    ], TextLayout.Table(Columns, Rows, 25));

    [Fact]
    public void A_table_without_headings_has_no_rule_and_one_without_rows_is_nothing()
    {
        Assert.Equal(["  loss  0.5", "  acc   1"], TextLayout.Table(["", ""], [["loss", "0.5"], ["acc", "1"]], 80));
        Assert.Empty(TextLayout.Table(["", ""], [], 80));
    }

    [Fact]
    public void Characters_of_two_columns_and_marks_of_none_are_counted_so()
    {
        Assert.Equal(6, TextLayout.Cells("日本語"));
        Assert.Equal(1, TextLayout.Cells("e\u0301"));
        Assert.Equal(["  名    n", "  ───────", "  日本  1", "  ab    2"], TextLayout.Table(["名", "n"], [["日本", "1"], ["ab", "2"]], null));
    }

    [Fact]
    public void A_line_is_wrapped_between_words_under_its_own_indent_and_a_longer_word_stays_whole()
    {
        Assert.Equal(["  one two", "  three", "  /a/very/long/path", "  end"],
            TextLayout.Wrap("  one two three /a/very/long/path end", 10));
        Assert.Equal(["one two three"], TextLayout.Wrap("one two three", null));
    }

    [Fact]
    public void A_bar_gives_up_details_then_itself_before_it_is_cut()
    {
        var moment = new Moment("train", 50, 200, "", 120, TimeSpan.FromSeconds(61), "loss 0.5", null, 400_000_000);
        Assert.Equal("train ━━━━━───────────────── 25 %, loss 0.5, 1:01 left, 120 images/s, 0.4 GB of memory",
            ProgressBar.Line(moment, 89));
        Assert.Equal("train ━━━━─────────────── 25 %, loss 0.5, 1:01 left, 120 images/s", ProgressBar.Line(moment, 79));
        Assert.Equal("train ━━─────── 25 %, loss 0.5", ProgressBar.Line(moment, 39));
        Assert.Equal("train 25 %", ProgressBar.Line(moment, 12));
        Assert.Equal("", ProgressBar.Line(moment, 8));
    }

    [Fact]
    public void Many_runs_are_counted_in_runs_and_a_download_in_MiB()
    {
        Assert.Equal("compare, run 3 of 8 ━━────── 25 %", ProgressBar.Line(new("compare, run 3 of 8", 2, 8, null), 34));
        Assert.Equal("fetch, 1 of 2", ProgressBar.Line(new("fetch", 3, 0, " MiB", Note: "1 of 2"), 34));
    }
}
