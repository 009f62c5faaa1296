using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>A cell that writes more than anybody can read.</summary>
public sealed class FloodOfTextTests
{
    private const string Line = "0123456789abcdef\n";
    private readonly RecordedOutput _shown = new();
    private readonly StoppedClock _clock = new();

    [Fact]
    public void Of_text_without_an_end_the_first_and_the_last_is_shown_and_a_line_says_what_is_not()
    {
        var output = new BufferedCellOutput(_shown, most: 100_000, _clock);
        for (var i = 0; i < 100_000; i++)
        {
            output.Stream("stdout", Line);
        }

        Assert.InRange(_shown.Out.Length, 50_000, 100_000);
        Assert.StartsWith("\n100,000 characters of text are shown at once: of what follows, only the newest is shown", _shown.Error, StringComparison.Ordinal);
        output.Stream("stdout", "the end\n");
        output.Flush();
        Assert.EndsWith(Line + "the end\n", _shown.Out, StringComparison.Ordinal);
        Assert.InRange(_shown.Out.Length, 50_000, 140_000);
        var leftOut = (100_000 * Line.Length) + "the end\n".Length - _shown.Out.Length;
        Assert.Contains($"… {leftOut.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)} characters are left out here …", _shown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void One_text_that_is_too_long_is_shown_by_its_two_ends()
    {
        var output = new BufferedCellOutput(_shown, most: 100_000, _clock);
        output.Stream("stdout", "first" + new string('x', 1_000_000) + "last");
        output.Flush();
        Assert.StartsWith("firstxxx", _shown.Out, StringComparison.Ordinal);
        Assert.EndsWith("xxxlast", _shown.Out, StringComparison.Ordinal);
        Assert.InRange(_shown.Out.Length, 100_000, 140_000);
        Assert.Contains("characters are left out here", _shown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_comes_slowly_is_shown_whole_however_much_it_is()
    {
        var output = new BufferedCellOutput(_shown, most: 100_000, _clock);
        for (var i = 0; i < 20_000; i++)
        {
            output.Stream("stdout", Line);
            _clock.Seconds += 0.01;
        }

        output.Flush();
        Assert.Equal(20_000 * Line.Length, _shown.Out.Length);
        Assert.Empty(_shown.Error);
    }

    [Fact]
    public void A_flood_in_small_pieces_is_no_flood_of_messages()
    {
        var output = new BufferedCellOutput(_shown, most: 100_000, _clock);
        for (var i = 0; i < 100_000; i++)
        {
            output.Stream(i % 2 == 0 ? "stdout" : "stderr", "x");
        }

        Assert.InRange(_shown.Order.Count, 100, 1000);
    }

    [Fact]
    public void After_a_pause_all_is_shown_again_in_its_order()
    {
        var output = new BufferedCellOutput(_shown, most: 100_000, _clock);
        output.Stream("stdout", new string('x', 200_000));
        _clock.Seconds += 100;
        output.Stream("stdout", "after the pause");
        output.ExecuteResult(MimeBundles.Text("result"));
        Assert.Equal(["stdout:after the pause", "result:result"], _shown.Order.TakeLast(2));
    }

    private sealed class StoppedClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
