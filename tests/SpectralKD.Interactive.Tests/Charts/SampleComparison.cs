namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>A comparison's result without a training behind it.</summary>
internal static class SampleComparison
{
    public static ComparisonResult Of(int seeds = 3, bool layers = false)
    {
        string[] methods = layers ? ["no-alignment", "pair-0-0", "pair-5-12", "pair-11-23"] : ["soft", "labels", "spectralkd", "dist"];
        double[] gains = [0, -9, 0.4, 2.5];
        var comparison = new Comparison { Base = """{"student":"deit_nano_patch8_64"}""", Methods = [.. methods.Select(method => new Variation(method, "{}"))], Note = "a sample" };
        var outcomes = methods.SelectMany((method, i) => Enumerable.Range(0, seeds).Select(seed => new ComparedOutcome(
            "deit_nano_patch8_64", method, seed,
            [.. Enumerable.Range(0, 8).Select(epoch => new EpochMetrics { Epoch = epoch, LearningRate = 1e-3, Loss = 1, Top1 = 60 + gains[i] - (45 * Math.Exp(-epoch / 2.5)) + (((seed * 7) + i) % 3) })],
            null, new DistillationRecipe { Student = "deit_nano_patch8_64" }, new StepCost { Seconds = 0.1 + (0.03 * i), StepsPerEpoch = 12, PeakBytes = 300_000_000 }))).ToList();
        return new ComparisonResult
        {
            Comparison = comparison,
            Folder = Path.GetTempPath(),
            Outcomes = outcomes,
            Accuracies = [50],
            Notes = [],
            Rows = [.. methods.Select((method, i) =>
            {
                var differences = Enumerable.Range(0, seeds).Select(seed => gains[i] + (((((seed * 7) + i) % 3) - ((seed * 7) % 3)) * 0.6)).ToList();
                var difference = i == 0 ? null : ComparisonStatistics.Paired(differences);
                return new ComparisonRow
                {
                    Student = "deit_nano_patch8_64",
                    Method = method,
                    Seeds = seeds,
                    Top1 = 60 + gains[i],
                    Difference = difference,
                    ImagesLow = difference?.Mean - 1.5,
                    ImagesHigh = difference?.Mean + 1.5,
                    Epochs = 8,
                    Times = [new TimeToAccuracy(50, seeds, 4, 5)],
                    Cost = outcomes.First(outcome => outcome.Method == method).Cost,
                    Pairs = layers && i > 0 ? [(new[] { 0, 5, 11 }[i - 1], new[] { 0, 12, 23 }[i - 1])] : [],
                    Verdict = difference is null ? "the baseline" : ComparisonStatistics.Verdict(difference, null, 3),
                };
            })],
        };
    }
}
