namespace SpectralKD.Notebook.Jupyter.Wire;

/// <summary>
/// The signatures of the latest messages: one that comes again is a message that somebody has recorded and sends once more (jupyter_client
/// remembers as many). Channels share one history; any thread may ask.
/// </summary>
internal sealed class SignatureHistory(int size = 65_536)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly Lock _gate = new();

    /// <summary>False where the signature is among the latest; else it is from now on.</summary>
    public bool Add(string signature)
    {
        lock (_gate)
        {
            if (!_seen.Add(signature))
            {
                return false;
            }
            _order.Enqueue(signature);
            if (_order.Count > size)
            {
                _seen.Remove(_order.Dequeue());
            }
            return true;
        }
    }
}
