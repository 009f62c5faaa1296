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

    [Fact]
    public void A_cell_that_displays_without_an_end_is_held_back_and_told_so_once_and_all_is_shown()
    {
        var output = new BufferedCellOutput(_shown, clock: _clock, mostDisplayed: 100_000);
        var waited = new List<double>();
        for (var i = 0; i < 1000; i++)
        {
            output.DisplayData(MimeBundles.Text($"{i} " + new string('x', 10_000)), "id");
            waited.Add(_clock.Waited);
        }

        Assert.Equal(1000, _shown.Order.Count(shown => shown.StartsWith("display:", StringComparison.Ordinal)));
        Assert.Equal(0, waited[9]);
        // 10 MB, less what is let through at once, at 1 MB a second.
        Assert.InRange(waited[^1], 9.8, 9.95);
        Assert.Equal(
            "\n100,000 characters are displayed at once: of what follows, 1,000,000 a second, and the cell waits meanwhile. Update one display instead of adding more.\n", _shown.Error);
    }

    [Fact]
    public void A_cell_that_displays_slowly_is_not_held_back_however_much_it_is()
    {
        var output = new BufferedCellOutput(_shown, clock: _clock, mostDisplayed: 100_000);
        for (var i = 0; i < 1000; i++)
        {
            output.UpdateDisplayData(MimeBundles.Text(new string('x', 10_000)), "id");
            _clock.Seconds += 0.02;
        }

        Assert.Equal(0, _clock.Waited);
        Assert.Empty(_shown.Error);
    }

    [Fact]
    public void An_interrupt_ends_the_wait_of_a_cell_that_is_held_back()
    {
        using var interrupt = new CancellationTokenSource();
        var output = new BufferedCellOutput(_shown, clock: _clock, mostDisplayed: 1000, stop: interrupt.Token);
        interrupt.Cancel();
        for (var i = 0; i < 10; i++)
        {
            output.DisplayData(MimeBundles.Text(new string('x', 10_000)), "id");
        }

        Assert.Equal(0, _clock.Waited);
        Assert.Equal(10, _shown.Order.Count(shown => shown.StartsWith("display:", StringComparison.Ordinal)));
    }

    private sealed class StoppedClock : TimeProvider
    {
        public double Seconds { get; set; }

        /// <summary>How long somebody has waited by this clock, which then goes on at once.</summary>
        public double Waited { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero)
            {
                Waited += dueTime.TotalSeconds;
                Seconds += dueTime.TotalSeconds;
            }

            return base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
        }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
