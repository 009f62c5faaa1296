using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Gathers console text for some milliseconds, so that a cell that writes character by character does not become a message for each.
/// The order of text, displays and results is kept. Calls may come from any thread.
/// A cell that writes without an end fills neither its host's memory nor a page: beyond <paramref name="most"/> characters, and those that come slowly,
/// only the newest text is shown, with a line that says so. What it displays is all shown: beyond <paramref name="mostDisplayed"/> characters the cell is
/// held back to what Jupyter's server lets through to a page, and a line says so, once.
/// </summary>
/// <param name="output">Where all goes.</param>
/// <param name="most">How many characters are shown at once.</param>
/// <param name="clock">Tells how slowly text comes, and when to go on.</param>
/// <param name="mostDisplayed">How many characters are displayed at once.</param>
/// <param name="stop">Ends the waiting of a cell that is held back.</param>
internal sealed class BufferedCellOutput(
    ICellOutput output, int most = 32_000_000, TimeProvider? clock = null, int mostDisplayed = 64_000_000, CancellationToken stop = default) : ICellOutput
{
    private const int Enough = 16 * 1024;

    // What a message takes beside its text.
    private const int PerMessage = 512;

    // Characters a second that a cell may write for ever.
    private const int Slowly = 8 * 1024;

    // Characters a second that a cell may display for ever: the server's own limit. What a display counts for at least, since each takes that much until it is read, and at most.
    private const int DisplayedPerSecond = 1_000_000;
    private const int LeastDisplay = 4096;
    private const int MostDisplay = 4_000_000;
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();
    private readonly Queue<(string Name, string Text)> _newest = new();
    private string _name = "stdout";
    private bool _flushPending;
    private double _room = most;
    private long _roomAt = (clock ?? TimeProvider.System).GetTimestamp();
    private long _leftOut;
    private int _kept; // length of the newest text, a character more for each piece
    private double _displayRoom = mostDisplayed;
    private long _displayRoomAt = (clock ?? TimeProvider.System).GetTimestamp();
    private bool _heldBack;

    private bool IsLeavingOut => _newest.Count > 0;

    /// <inheritdoc />
    public void Stream(string name, string text)
    {
        lock (_lock)
        {
            if (name != _name)
            {
                FlushLocked();
                _name = name;
            }

            _text.Append(text);
            if (_text.Length >= Enough)
            {
                FlushLocked();
            }

            if (_text.Length > 0 || IsLeavingOut)
            {
                FlushSoon();
            }
        }
    }

    /// <inheritdoc />
    public void DisplayData(MimeBundle data, string displayId)
    {
        HoldBack(data);
        InOrder(() => output.DisplayData(data, displayId));
    }

    /// <inheritdoc />
    public void UpdateDisplayData(MimeBundle data, string displayId)
    {
        HoldBack(data);
        InOrder(() => output.UpdateDisplayData(data, displayId));
    }

    /// <inheritdoc />
    public void ExecuteResult(MimeBundle data) => InOrder(() => output.ExecuteResult(data));

    /// <inheritdoc />
    public void ClearOutput(bool wait) => InOrder(() => output.ClearOutput(wait));

    /// <summary>Hands over the text that was gathered, and of what was left out the newest.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            FlushLocked();
            ShowNewest();
        }
    }

    /// <summary>Lets a cell that displays more than anybody can look at wait: what nobody has read yet is kept in memory.</summary>
    private void HoldBack(MimeBundle data)
    {
        var wait = TimeSpan.Zero;
        lock (_lock)
        {
            var now = _clock.GetTimestamp();
            _displayRoom = Math.Min(mostDisplayed, _displayRoom + (Math.Max(0, _clock.GetElapsedTime(_displayRoomAt, now).TotalSeconds) * DisplayedPerSecond));
            _displayRoomAt = Math.Max(_displayRoomAt, now);
            if (_displayRoom < 0)
            {
                wait = TimeSpan.FromSeconds(-_displayRoom / DisplayedPerSecond);
                _displayRoomAt += (long)(wait.TotalSeconds * _clock.TimestampFrequency);
                _displayRoom = 0;
                SayThatItIsHeldBack();
            }

            _displayRoom -= Math.Clamp(data.Data.Values.Sum(LengthOf), LeastDisplay, MostDisplay);
        }

        if (wait > TimeSpan.Zero)
        {
            try
            {
                Task.Delay(wait, _clock, stop).GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                // The cell was interrupted; what it displays is shown.
            }
        }
    }

    private void SayThatItIsHeldBack()
    {
        if (!_heldBack)
        {
            _heldBack = true;
            FlushLocked();
            output.Stream("stderr", string.Create(
                CultureInfo.InvariantCulture,
                $"\n{mostDisplayed:N0} characters are displayed at once: of what follows, {DisplayedPerSecond:N0} a second, and the cell waits meanwhile. Update one display instead of adding more.\n"));
        }
    }

    private static int LengthOf(JsonNode content)
        => content.GetValueKind() == JsonValueKind.String ? content.GetValue<string>().Length : content.ToJsonString().Length;

    private void InOrder(Action action)
    {
        lock (_lock)
        {
            FlushLocked();
            action();
        }
    }

    private void FlushLocked()
    {
        if (_text.Length > 0)
        {
            var text = _text.ToString();
            _text.Clear();
            Show(_name, text);
        }
    }

    private void Show(string name, string text)
    {
        MakeRoom();
        if (IsLeavingOut && _room >= Enough + PerMessage)
        {
            ShowNewest();
        }

        if (!IsLeavingOut && _room >= text.Length + PerMessage)
        {
            _room -= text.Length + PerMessage;
            output.Stream(name, text);
            return;
        }

        if (!IsLeavingOut)
        {
            var first = Cut(text, (int)Math.Max(_room - PerMessage, 0));
            output.Stream(name, text[..first]);
            text = text[first..];
            output.Stream("stderr", $"\n{Written()} characters of text are shown at once: of what follows, only the newest is shown, when there is a pause or the cell ends. Write it to a file to have it whole.\n");
            _room = 0;
        }

        Keep(name, text);
    }

    // What could be read of a flood is its end.
    private void Keep(string name, string text)
    {
        if (text.Length > Enough)
        {
            var cut = Cut(text, text.Length - Enough);
            _leftOut += cut;
            text = text[cut..];
        }

        _newest.Enqueue((name, text));
        _kept += text.Length + 1;
        while (_newest.Count > 1 && _kept - _newest.Peek().Text.Length > Enough)
        {
            var oldest = _newest.Dequeue().Text.Length;
            _kept -= oldest + 1;
            _leftOut += oldest;
        }
    }

    private void ShowNewest()
    {
        if (!IsLeavingOut)
        {
            return;
        }

        if (_leftOut > 0)
        {
            output.Stream("stderr", string.Create(CultureInfo.InvariantCulture, $"\n… {_leftOut:N0} characters are left out here …\n"));
        }

        _leftOut = 0;
        foreach (var (name, text) in _newest)
        {
            output.Stream(name, text);
            _room -= text.Length + PerMessage;
        }

        _newest.Clear();
        _kept = 0;
    }

    private void MakeRoom()
    {
        var now = _clock.GetTimestamp();
        _room = Math.Min(most, _room + (_clock.GetElapsedTime(_roomAt, now).TotalSeconds * Slowly));
        _roomAt = now;
    }

    private string Written() => most.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A place to cut a text that is not within a character of two.</summary>
    private static int Cut(string text, int at) => at > 0 && at < text.Length && char.IsHighSurrogate(text[at - 1]) ? at - 1 : at;

    private void FlushSoon()
    {
        if (!_flushPending)
        {
            _flushPending = true;
            _ = FlushLaterAsync();
        }
    }

    private async Task FlushLaterAsync()
    {
        await Task.Delay(IsLeavingOut ? Pause : Delay).ConfigureAwait(false);
        lock (_lock)
        {
            _flushPending = false;
            FlushLocked();
            MakeRoom();
            if (IsLeavingOut && _room >= Enough + PerMessage)
            {
                ShowNewest();
            }

            if (IsLeavingOut)
            {
                FlushSoon();
            }
        }
    }
}
