namespace SpectralKD.Tests.Data;

/// <summary>
/// The room is the process's, and one of these tests has a thread hold it while another must still get in: nobody else may wait for room meanwhile.
/// </summary>
[CollectionDefinition(nameof(WholeDecodingRoom), DisableParallelization = true)]
public sealed class WholeDecodingRoom;

[Collection(nameof(WholeDecodingRoom))]
public sealed class DecodingRoomTests
{
    private const long Half = DecodingRoom.Budget / 2;

    [Fact]
    public async Task Who_needs_more_than_is_free_waits_until_it_is_given_back()
    {
        var inside = new SemaphoreSlim(0);
        using var leave = new ManualResetEventSlim();
        var (at, most, done) = (0, 0, 0);
        var tasks = Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
            () =>
            {
                using var room = DecodingRoom.Enter();
                DecodingRoom.Take(Half + 1);
                var now = Interlocked.Increment(ref at);
                most = Math.Max(most, now);
                inside.Release();
                leave.Wait();
                Interlocked.Decrement(ref at);
                Interlocked.Increment(ref done);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        await inside.WaitAsync();
        leave.Set();
        await Task.WhenAll(tasks);
        Assert.Equal((1, 8), (most, done));
    }

    [Fact]
    public async Task Those_who_hold_a_file_and_all_wait_for_its_pixels_go_on_one_by_one()
    {
        // Each file alone fits, its pixels do not fit beside the other files.
        using var together = new Barrier(2);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
            () =>
            {
                using var room = DecodingRoom.Enter();
                DecodingRoom.Take(Half - (32 << 20));
                together.SignalAndWait();
                DecodingRoom.Take(DecodingRoom.Budget);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
    }

    [Fact]
    public void What_is_read_in_a_block_is_counted_once_and_until_the_block_ends()
    {
        using (DecodingRoom.Enter())
        {
            using (DecodingRoom.Enter())
            {
                DecodingRoom.Take(1000);
            }

            DecodingRoom.Take(DecodingRoom.Budget * 2); // larger than all there is: goes alone
        }

        using (DecodingRoom.Enter())
        {
            DecodingRoom.Take(DecodingRoom.Budget);
        }
    }
}
