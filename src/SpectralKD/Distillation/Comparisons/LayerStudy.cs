using System.Globalization;
using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>
/// Did a predictor know before training which layer pairs help? Rank correlation of each predictor with the measured gains, what is left of it given depth, how often chance
/// does as well, and what would have been gained by choosing the pair that promised most, against a random choice.
/// </summary>
/// <example><code>
/// var study = LayerStudy.Of(TableCsv.Load("runs/layers/layers.csv"));
/// Console.WriteLine(study.Verdict);
/// </code></example>
public sealed record LayerStudy
{
    internal const string SeedColumn = "gain_seed_";
    private const int Permutations = 10_000;
    private const int Least = 4;

    /// <summary>A row for each predictor of the table, and <c>depth</c>: the explanation that the others must beat.</summary>
    public required IReadOnlyList<PredictorRow> Rows { get; init; }

    /// <summary>Number of pairs.</summary>
    public required int Pairs { get; init; }

    /// <summary>Number of seeds.</summary>
    public required int Seeds { get; init; }

    /// <summary>Gain of a pair chosen at random: the mean over all, in points.</summary>
    public required double Random { get; init; }

    /// <summary>Gain of the best pair of these very runs. It is chosen after the fact, so chance alone puts it above <see cref="Random"/>.</summary>
    public required double Best { get; init; }

    /// <summary>Standard deviation over pairs of the true gains: what is left of the measured spread without that of the seeds; 0 where nothing is left. Null for one seed.</summary>
    public double? Spread { get; init; }

    /// <summary>
    /// Share of the variance of the measured mean gains that is not due to the seeds, in [0, 1]: what a predictor could explain at most. Null for one seed.
    /// </summary>
    public double? Reliability { get; init; }

    /// <summary>Half the width of the 95 % interval of the difference of two pairs' gains, in points: smaller ones cannot be seen. Null for one seed.</summary>
    public double? Visible { get; init; }

    /// <summary>What may be said, and no more.</summary>
    public string Verdict
    {
        get
        {
            var (along, beyond) = (Names(row => row.Holm < 0.05), Names(row => row.GivenDepthHolm < 0.05));
            var found = beyond.Length > 0 ? $"{beyond} went with the gains beyond what depth explains"
                : along.Length > 0 ? $"{along} went with the gains beyond chance, but given depth none of them did"
                : "no predictor went with the gains beyond chance";
            var limits = Visible is not { } visible ? "one seed: nothing is known of its spread"
                : string.Create(CultureInfo.InvariantCulture, $"{Pairs} pairs, {Seeds} seeds: two pairs {visible:0.0} points apart can be told apart, and {Reliability:0 %} of the gains' spread is not chance");
            return $"{found} (Holm, {Rows.Count - 1} predictors); {limits}";
        }
    }

    /// <summary>Studies a table of layers (<see cref="LayerSweep.Table"/>, <c>layers.csv</c>).</summary>
    /// <param name="layers">Columns <c>depth</c>, <c>gain</c>, <c>gain_seed_N</c> and predictors; of several students the first is taken. Rows without a gain are left out.</param>
    /// <exception cref="SpectralKDException">A column is missing, or fewer than four pairs have gains.</exception>
    public static LayerStudy Of(DataFrame layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        var missing = new[] { PredictorRow.Depth, "gain" }.Where(name => layers.Columns.All(column => column.Name != name)).ToList();
        if (missing.Count > 0)
        {
            throw new SpectralKDException($"the table has no column {string.Join(", ", missing)}: give the layers.csv of a sweep over layers (spectralkd compare RECIPE --sweep layers)");
        }

        var named = layers.Columns.Any(column => column.Name == "student");
        var rows = layers.Rows.Where(row => row["gain"] is not null && (!named || Equals(row["student"], layers["student"][0]))).ToList();
        if (rows.Count < Least)
        {
            throw new SpectralKDException($"{rows.Count} layer pairs have gains, but their order can be studied from {Least} on: align more pairs, each alone");
        }

        double? Number(DataFrameRow row, string name) => row[name] is { } value ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : null;
        double[] gains = [.. rows.Select(row => Number(row, "gain")!.Value)];
        double[] depths = [.. rows.Select(row => Number(row, PredictorRow.Depth)!.Value)];
        var known = LayerPredictions.Predictors.Where(predictor => layers.Columns.Any(column => column.Name == predictor.Name) && rows.All(row => row[predictor.Name] is not null));
        List<PredictorRow> found =
        [
            PredictorRow.Of(new LayerPredictor(PredictorRow.Depth, true, "depth of the block"), depths, gains, depths, Permutations),
            .. known.Select(predictor => PredictorRow.Of(predictor, [.. rows.Select(row => Number(row, predictor.Name)!.Value)], gains, depths, Permutations)),
        ];
        var holm = ComparisonStatistics.Holm([.. found.Skip(1).Select(row => row.Probability)]);
        var given = ComparisonStatistics.Holm([.. found.Skip(1).Select(row => row.GivenDepthProbability!.Value)]);
        var seeds = layers.Columns.Where(column => column.Name.StartsWith(SeedColumn, StringComparison.Ordinal) && rows.All(row => row[column.Name] is not null)).Select(column => column.Name).ToList();
        var study = new LayerStudy
        {
            Rows = [found[0], .. found.Skip(1).Select((row, i) => row with { Holm = holm[i], GivenDepthHolm = given[i] })],
            Pairs = rows.Count,
            Seeds = Math.Max(1, seeds.Count),
            Random = gains.Average(),
            Best = gains.Max(),
        };
        return seeds.Count < 2 ? study : study.WithSeeds([.. rows.Select(row => seeds.Select(seed => Number(row, seed)!.Value).ToArray())]);
    }

    /// <summary>
    /// The table: <c>predictor</c>, <c>rho</c> (Spearman's), <c>p</c> (by permutation, two-sided), <c>p_holm</c>, <c>rho_given_depth</c>, <c>p_given_depth</c>, <c>p_given_depth_holm</c>,
    /// <c>chosen_gain</c>, <c>over_random</c> (chosen gain less a random choice's, points), <c>regret</c> (best gain less the chosen, points).
    /// </summary>
    public DataFrame ToDataFrame() => new(
        new StringDataFrameColumn("predictor", Rows.Select(row => row.Name)),
        new DoubleDataFrameColumn("rho", Rows.Select(row => row.Rho)),
        new DoubleDataFrameColumn("p", Rows.Select(row => row.Probability)),
        new DoubleDataFrameColumn("p_holm", Rows.Select(row => row.Holm)),
        new DoubleDataFrameColumn("rho_given_depth", Rows.Select(row => row.GivenDepth)),
        new DoubleDataFrameColumn("p_given_depth", Rows.Select(row => row.GivenDepthProbability)),
        new DoubleDataFrameColumn("p_given_depth_holm", Rows.Select(row => row.GivenDepthHolm)),
        new DoubleDataFrameColumn("chosen_gain", Rows.Select(row => row.ChosenGain)),
        new DoubleDataFrameColumn("over_random", Rows.Select(row => row.ChosenGain - Random)),
        new DoubleDataFrameColumn("regret", Rows.Select(row => Best - row.ChosenGain)));

    private string Names(Func<PredictorRow, bool> which) =>
        string.Join(", ", Rows.Where(row => row.Name != PredictorRow.Depth && which(row)).Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.Name} {row.Rho:0.00}")));

    // Two-way analysis of variance without repetition. What a seed's pairs share (its baseline is subtracted from all of them) is taken out; what is left between the pairs of a seed is noise.
    private LayerStudy WithSeeds(double[][] gains)
    {
        var (pairs, seeds) = (gains.Length, gains[0].Length);
        var (mean, perPair) = (gains.Average(row => row.Average()), gains.Select(row => row.Average()).ToArray());
        var perSeed = Enumerable.Range(0, seeds).Select(seed => gains.Average(row => row[seed])).ToArray();
        var rest = gains.SelectMany((row, pair) => row.Select((gain, seed) => Math.Pow(gain - perPair[pair] - perSeed[seed] + mean, 2))).Sum() / ((pairs - 1) * (seeds - 1));
        var between = perPair.Sum(value => Math.Pow(value - mean, 2)) / (pairs - 1);
        var real = Math.Max(0, between - (rest / seeds));
        return this with
        {
            Spread = Math.Sqrt(real),
            Reliability = between > 0 ? real / between : 0,
            Visible = ComparisonStatistics.TQuantile(0.975, (pairs - 1) * (seeds - 1)) * Math.Sqrt(2 * rest / seeds),
        };
    }
}

/// <summary>How one predictor goes with the gains.</summary>
public sealed record PredictorRow
{
    internal const string Depth = "depth";

    /// <summary>The predictor.</summary>
    public required string Name { get; init; }

    /// <summary>Spearman's rank correlation with the gains, in [-1, 1].</summary>
    public required double Rho { get; init; }

    /// <summary>
    /// How often gains in a random order go with it as closely, two-sided. Neighbouring blocks are alike in both, which a random order is not, so it is rather too small.
    /// </summary>
    public required double Probability { get; init; }

    /// <summary>Holm's probability among all predictors; null for depth.</summary>
    public double? Holm { get; init; }

    /// <summary>
    /// The correlation of what is left of both ranks after a parabola over depth (a U has two arms, so a straight line would not do); null for depth itself.
    /// </summary>
    public double? GivenDepth { get; init; }

    /// <summary>Its probability by permutation; null for depth itself.</summary>
    public double? GivenDepthProbability { get; init; }

    /// <summary>Holm's probability of that among all predictors; null for depth.</summary>
    public double? GivenDepthHolm { get; init; }

    /// <summary>Gain of the pair that the predictor puts first, in points.</summary>
    public required double ChosenGain { get; init; }

    internal static PredictorRow Of(LayerPredictor predictor, double[] values, double[] gains, double[] depths, int permutations)
    {
        var (x, y) = (Ranks(values), Ranks(gains));
        var best = predictor.Higher ? values.Max() : values.Min();
        var row = new PredictorRow
        {
            Name = predictor.Name,
            Rho = Correlation(x, y),
            Probability = Chance(x, y, permutations),
            ChosenGain = gains.Where((_, i) => values[i] == best).Average(),
        };
        if (predictor.Name == Depth)
        {
            return row;
        }

        var (restX, restY) = (Rest(x, depths), Rest(y, depths));
        return row with { GivenDepth = Correlation(restX, restY), GivenDepthProbability = Chance(restX, restY, permutations) };
    }

    /// <summary>Ranks from 1; equal values share the mean of theirs.</summary>
    internal static double[] Ranks(IReadOnlyList<double> values) =>
        [.. values.Select(value => values.Count(other => other < value) + ((values.Count(other => other == value) + 1) / 2.0))];

    /// <summary>Pearson's correlation; 0 where one side is constant.</summary>
    internal static double Correlation(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        var (meanX, meanY) = (x.Average(), y.Average());
        var (both, one, two) = (0.0, 0.0, 0.0);
        for (var i = 0; i < x.Count; i++)
        {
            both += (x[i] - meanX) * (y[i] - meanY);
            one += (x[i] - meanX) * (x[i] - meanX);
            two += (y[i] - meanY) * (y[i] - meanY);
        }

        return one < 1e-12 || two < 1e-12 ? 0 : both / Math.Sqrt(one * two);
    }

    // (1 + as close by chance) / (1 + draws), so that it is never 0.
    private static double Chance(double[] x, double[] y, int permutations)
    {
        var (observed, shuffled, close) = (Math.Abs(Correlation(x, y)), y.ToArray(), 0);
        for (var draw = 0; draw < permutations; draw++)
        {
            new CounterRandom(draw).Shuffle(shuffled.AsSpan());
            close += Math.Abs(Correlation(x, shuffled)) >= observed - 1e-12 ? 1 : 0;
        }

        return (1.0 + close) / (1.0 + permutations);
    }

    // What a least-squares parabola over depth leaves: one orthogonal direction (1, d, d^2) after the other is taken out.
    private static double[] Rest(double[] values, double[] depths)
    {
        var rest = values.ToArray();
        var directions = new List<double[]>();
        foreach (var power in new[] { 0, 1, 2 })
        {
            double[] direction = [.. depths.Select(depth => Math.Pow(depth, power))];
            directions.ForEach(other => Remove(direction, other));
            directions.Add(direction);
            Remove(rest, direction);
        }

        return rest;
    }

    private static void Remove(double[] from, double[] direction)
    {
        var length = direction.Sum(value => value * value);
        var share = length < 1e-12 ? 0 : from.Zip(direction, (a, b) => a * b).Sum() / length;
        for (var i = 0; i < from.Length; i++)
        {
            from[i] -= share * direction[i];
        }
    }
}
