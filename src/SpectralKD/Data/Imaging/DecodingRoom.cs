namespace SpectralKD.Data;

/// <summary>
/// One budget of memory for all images that are being read in the process, whatever the number of sources and threads: who needs more than is
/// free waits. An image that is larger than the whole budget goes alone; nothing is refused here, so results do not depend on the budget.
/// </summary>
internal sealed class DecodingRoom : IDisposable
{
    /// <summary>Bytes for files and pixels together: 16 photos of 12 megapixels at once, or one image of the largest size that is read.</summary>
    public const long Budget = 768L << 20;

    // Arrays of this size stay in memory until a full collection, which the collector puts off for gigabytes: they count until there was one.
    private const long Huge = 128L << 20;

    private static readonly object Gate = new();
    [ThreadStatic]
    private static DecodingRoom? _current;
    private static long _taken;
    private static long _dead; // of what was given back, the huge arrays since the last collection
    private static int _running; // those who hold room and do not wait for more
    private static int _growing; // those who hold room and wait for more
    private readonly DecodingRoom? _outer = _current;
    private long _held;

    private DecodingRoom()
    {
    }


    /// <summary>
    /// What this thread takes from now on is given back when the result is disposed: begin before an image is read, end when its pixels are no
    /// longer needed. Inside another such block nothing changes.
    /// </summary>
    public static DecodingRoom Enter()
    {
        var room = new DecodingRoom();
        _current ??= room;
        return room;
    }

    /// <summary>Takes room for this thread's image; waits until it is there.</summary>
    /// <param name="bytes">How much more is needed.</param>
    public static void Take(long bytes)
    {
        if (_current is { } room && bytes > 0)
        {
            lock (Gate)
            {
                if (room._held == 0)
                {
                    room.WaitForFirst(bytes);
                }
                else
                {
                    room.WaitForMore(bytes);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_outer is not null)
        {
            return;
        }

        _current = null;
        if (_held > 0)
        {
            lock (Gate)
            {
                _taken -= _held;
                _dead += _held >= Huge ? _held : 0;
                _running--;
                _held = 0;
                Monitor.PulseAll(Gate);
            }
        }
    }

    // Nobody begins while another, who holds a file's bytes already, waits for room for its pixels.
    private void WaitForFirst(long bytes)
    {
        while (_growing > 0 || (_taken > 0 && _taken + bytes > Budget))
        {
            Monitor.Wait(Gate);
        }

        _running++;
        Hold(bytes);
    }

    // Were all to wait for each other, one goes on: so at most one image's pixels are beyond the budget.
    private void WaitForMore(long bytes)
    {
        _running--;
        _growing++;
        Monitor.PulseAll(Gate);
        while (_running > 0 && _taken + bytes > Budget)
        {
            Monitor.Wait(Gate);
        }

        _growing--;
        _running++;
        Hold(bytes);
        Monitor.PulseAll(Gate);
    }

    private void Hold(long bytes)
    {
        if (_dead > 0 && _taken + _dead + bytes > Budget)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _dead = 0;
        }

        _held += bytes;
        _taken += bytes;
    }
}
