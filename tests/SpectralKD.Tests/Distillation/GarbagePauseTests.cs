using SpectralKD.Native;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class GarbagePauseTests
{
    [Fact]
    public void Nothing_is_collected_in_a_pause_and_pauses_inside_it_do_nothing()
    {
        using (GarbagePause.Begin())
        {
            var before = GC.CollectionCount(0);
            using (GarbagePause.Begin())
            {
                Allocate(50);
            }

            Allocate(50);
            Assert.Equal(before, GC.CollectionCount(0));
        }

        Assert.NotEqual(System.Runtime.GCLatencyMode.NoGCRegion, System.Runtime.GCSettings.LatencyMode);
    }

    [Fact]
    public void More_than_the_budget_ends_a_pause_without_an_error()
    {
        using (GarbagePause.Begin())
        {
            Allocate(400);
        }

        using var again = GarbagePause.Begin();
    }

    private static void Allocate(int megabytes)
    {
        for (var i = 0; i < megabytes * 16; i++)
        {
            GC.KeepAlive(new byte[1 << 16]);
        }
    }

    [Fact]
    public void What_dies_in_many_pauses_does_not_pile_up()
    {
        for (var step = 0; step < 2000; step++)
        {
            using var pause = GarbagePause.Begin();
            GC.KeepAlive(new byte[1 << 20]);
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: false), 0, 1L << 30);
    }
}
