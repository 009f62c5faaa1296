namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class CollectionTests
{
    [Fact]
    public async Task Training_and_analysis_beside_a_thread_that_collects_all_the_time_give_what_they_give_alone()
    {
        var (weights, spectrum) = await TrainAndAnalyse();
        using var stop = new CancellationTokenSource();
        var collecting = new Thread(() => CollectUntil(stop.Token));
        collecting.Start();
        try
        {
            var (beside, spectrumBeside) = await TrainAndAnalyse();
            Assert.All(weights, entry => Assert.Equal(entry.Value, beside[entry.Key]));
            Assert.Equal(spectrum, spectrumBeside);
        }
        finally
        {
            await stop.CancelAsync();
            collecting.Join();
        }
    }

    private static void CollectUntil(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            GC.Collect();
        }
    }

    private static async Task<(Dictionary<string, float[]> Weights, string Spectrum)> TrainAndAnalyse()
    {
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 20 });
        using var images = TorchSharp.torch.linspace(-1, 1, 3 * 4 * SmallRun.Side * SmallRun.Side).reshape(4, 3, SmallRun.Side, SmallRun.Side);
        var spectra = Enumerable.Range(0, 20).Select(_ => SpectralAnalysis.Run(student, [new AnalysisBatch(images)], "line").ToJson()).Distinct();
        return (SmallRun.Values(student), Assert.Single(spectra));
    }
}
