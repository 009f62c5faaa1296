using System.Text;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Gathers console text for some milliseconds, so that a cell that writes character by character does not become a message for each.
/// The order of text, displays and results is kept. Calls may come from any thread.
/// </summary>
internal sealed class BufferedCellOutput(ICellOutput output) : ICellOutput
{
    private const int Enough = 16 * 1024;
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(40);
    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();
    private string _name = "stdout";
    private bool _flushPending;

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
            else
            {
                FlushSoon();
            }
        }
    }

    /// <inheritdoc />
    public void DisplayData(MimeBundle data, string displayId) => InOrder(() => output.DisplayData(data, displayId));

    /// <inheritdoc />
    public void UpdateDisplayData(MimeBundle data, string displayId) => InOrder(() => output.UpdateDisplayData(data, displayId));

    /// <inheritdoc />
    public void ExecuteResult(MimeBundle data) => InOrder(() => output.ExecuteResult(data));

    /// <inheritdoc />
    public void ClearOutput(bool wait) => InOrder(() => output.ClearOutput(wait));

    /// <summary>Hands over the text that was gathered.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            FlushLocked();
        }
    }

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
            output.Stream(_name, text);
        }
    }

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
        await Task.Delay(s_delay).ConfigureAwait(false);
        lock (_lock)
        {
            _flushPending = false;
            FlushLocked();
        }
    }
}
