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
    private static DecodingRoom? t_current;
    private static long s_taken;
    private static long s_dead; // of what was given back, the huge arrays since the last collection
    private static int s_running; // those who hold room and do not wait for more
    private static int s_growing; // those who hold room and wait for more
    private readonly DecodingRoom? _outer = t_current;
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
        t_current ??= room;
        return room;
    }

    /// <summary>Takes room for this thread's image; waits until it is there.</summary>
    /// <param name="bytes">How much more is needed.</param>
    public static void Take(long bytes)
    {
        if (t_current is { } room && bytes > 0)
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

        t_current = null;
        if (_held > 0)
        {
            lock (Gate)
            {
                s_taken -= _held;
                s_dead += _held >= Huge ? _held : 0;
                s_running--;
                _held = 0;
                Monitor.PulseAll(Gate);
            }
        }
    }

    // Nobody begins while another, who holds a file's bytes already, waits for room for its pixels.
    private void WaitForFirst(long bytes)
    {
        while (s_growing > 0 || (s_taken > 0 && s_taken + bytes > Budget))
        {
            Monitor.Wait(Gate);
        }

        s_running++;
        Hold(bytes);
    }

    // Were all to wait for each other, one goes on: so at most one image's pixels are beyond the budget.
    private void WaitForMore(long bytes)
    {
        s_running--;
        s_growing++;
        Monitor.PulseAll(Gate);
        while (s_running > 0 && s_taken + bytes > Budget)
        {
            Monitor.Wait(Gate);
        }

        s_growing--;
        s_running++;
        Hold(bytes);
        Monitor.PulseAll(Gate);
    }

    private void Hold(long bytes)
    {
        if (s_dead > 0 && s_taken + s_dead + bytes > Budget)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            s_dead = 0;
        }

        _held += bytes;
        s_taken += bytes;
    }
}
