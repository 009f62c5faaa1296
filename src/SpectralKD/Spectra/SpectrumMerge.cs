namespace SpectralKD.Spectra;

/// <summary>Adds spectra of one model after making sure that they are of one kind and share no image.</summary>
internal static class SpectrumMerge
{
    /// <summary>What to do about a problem of the records, for the end of a message.</summary>
    private const string Unchecked = "to merge all the same: spectralkd merge --unchecked, or Merge(…, checkRecords: false)";

    internal static ModelSpectrum Of(IReadOnlyList<ModelSpectrum> spectra, bool checkRecords)
    {
        if (spectra.Count == 0)
        {
            throw new SpectralKDException("there is no spectrum to merge: give at least one");
        }

        foreach (var other in spectra.Skip(1))
        {
            RequireOneKind(spectra[0], other);
        }

        if (checkRecords && Problems(spectra, null) is { Count: > 0 } problems)
        {
            var more = problems.Count == 1 ? "" : FormattableString.Invariant($" (and {problems.Count - 1} more like it)");
            throw new SpectralKDException($"{problems[0]}{more}; {Unchecked}");
        }

        return spectra.Aggregate(Sum);
    }

    /// <summary>What speaks against merging, one line each.</summary>
    internal static IReadOnlyList<string> Problems(IReadOnlyList<ModelSpectrum> spectra, IReadOnlyList<string>? names)
    {
        if (spectra.Count < 2)
        {
            return [];
        }

        var problems = spectra.Select((spectrum, i) => Unrecorded(spectrum, names?[i] ?? $"{spectrum.Model} over {spectrum.Source}")).OfType<string>().ToList();
        var parts = spectra.SelectMany((spectrum, i) => spectrum.Parts.Select(part => new RecordedPart(part, i, NameOf(spectrum, part, names?[i])))).ToList();
        foreach (var other in parts.Where(part => part.Spectrum != parts[0].Spectrum))
        {
            problems.AddRange(new[] { Weights(parts[0], other), Types(parts[0], other), Inputs(parts[0], other) }.OfType<string>());
        }

        problems.AddRange(parts.SelectMany((one, i) => parts.Skip(i + 1).Where(two => two.Spectrum != one.Spectrum).Select(two => Overlap(one, two))).OfType<string>());
        return problems;
    }

    /// <summary>What the lists of a spectrum's parts hold beyond the parts.</summary>
    internal static IReadOnlyList<string> Missing(ModelSpectrum spectrum) => [.. spectrum.Parts
        .Where(part => part.List is not null)
        .GroupBy(part => part.List)
        .Select(parts => (First: parts.First(), Missing: parts.First().ListCount - parts.SelectMany(part => part.Places()!.Concat(part.LeftOut)).Distinct().Count()))
        .Where(list => list.Missing > 0)
        .Select(list => FormattableString.Invariant(
            $"{list.Missing} of the {list.First.ListCount} images of {list.First.Source} are in none of the parts ({Shards(spectrum, list.First.List!)})"))];

    private static string Shards(ModelSpectrum spectrum, string list)
        => string.Join(", ", spectrum.Parts.Where(part => part.List == list).Select(part => part.Shard).OfType<string>());

    private static ModelSpectrum Sum(ModelSpectrum left, ModelSpectrum right) => left with
    {
        Source = left.Source == right.Source ? left.Source : $"{left.Source} + {right.Source}",
        Images = left.Images + right.Images,
        Skipped = [.. left.Skipped, .. right.Skipped],
        PerImage = left.PerImage?.Plus(right.PerImage!),
        Parts = [.. left.Parts, .. right.Parts],
        ResampledImages = left.ResampledImages.Plus(right.ResampledImages),
        Activations = left.Activations is null ? right.Activations
            : right.Activations is null ? left.Activations : left.Activations.Union(right.Activations),
        Blocks = [.. left.Blocks.Zip(right.Blocks, (one, two) => one.Plus(two))],
    };

    private static void RequireOneKind(ModelSpectrum left, ModelSpectrum right)
    {
        RequireSame("models", left.Model, right.Model);
        RequireSame("depths", left.Depth, right.Depth);
        RequireSame("domains", left.Domain, right.Domain);
        RequireSame("points of the blocks", MapPoints.Word(left.At), MapPoints.Word(right.At));
        RequireSame("blocks", Shapes(left), Shapes(right));
        RequireSame("sets of figures", Figures(left), Figures(right));
        RequireOneEntropyRange(left, right);
    }

    private static void RequireSame<T>(string what, T left, T right)
    {
        if (!EqualityComparer<T>.Default.Equals(left, right))
        {
            throw new SpectralKDException($"spectra of different {what} do not merge: {left} and {right}");
        }
    }

    private static string Shapes(ModelSpectrum spectrum) => string.Join(
        ", ", spectrum.Blocks.Select(block => $"{block.Name} [{block.Channels}, {block.Height}, {block.Width}]"));

    private static string Figures(ModelSpectrum spectrum) => string.Join(
        ", ",
        new[]
        {
            spectrum.Blocks[0].Spatial is null ? null : "spatial spectra",
            spectrum.Blocks[0].Channel is null ? null : "channel spectra",
            spectrum.Blocks[0].Entropy is null ? null : "activation entropy",
            spectrum.PerImage is null ? null : "intensities of single images",
        }.OfType<string>());

    private static void RequireOneEntropyRange(ModelSpectrum left, ModelSpectrum right)
    {
        var (one, two) = (left.Blocks[0].Entropy?.Range, right.Blocks[0].Entropy?.Range);
        if (one is null || two is null || one == two)
        {
            return;
        }

        var union = one.Union(two);
        throw new SpectralKDException(FormattableString.Invariant(
            $"activation entropies over different ranges do not merge ([{one.Minimum:R}, {one.Maximum:R}] and [{two.Minimum:R}, {two.Maximum:R}]): ")
            + FormattableString.Invariant($"analyse every part with EntropyRange [{union.Minimum:R}, {union.Maximum:R}], ")
            + "or merge without the entropy (WithoutActivationEntropy)");
    }

    private static string NameOf(ModelSpectrum spectrum, SpectrumPart part, string? name)
        => name is null ? part.Words : spectrum.Parts.Length == 1 ? name : $"{name} (its {part.Words})";

    private static string? Unrecorded(ModelSpectrum spectrum, string name)
    {
        var without = spectrum.Images - spectrum.Parts.Sum(part => (long)part.Images);
        return without == 0 ? null : FormattableString.Invariant(
            $"{name} holds no record of which weights and images {(without == spectrum.Images ? "it" : $"{without} of its {spectrum.Images} images")} ")
            + (without == spectrum.Images ? "was made of" : "were analysed with") + ", so that nobody can tell whether it may be merged: analyse it again with this version";
    }

    private static string? Weights(RecordedPart one, RecordedPart two) => one.Part.WeightsHash == two.Part.WeightsHash || one.Part.NumberType != two.Part.NumberType
        ? null
        : $"{one.Name} and {two.Name} were made with different weights: {WeightWords(one.Part)} and {WeightWords(two.Part)}";

    private static string WeightWords(SpectrumPart part) => $"{part.Weights.Words}, values' SHA-256 {part.WeightsHash[..Math.Min(12, part.WeightsHash.Length)]}…";

    private static string? Types(RecordedPart one, RecordedPart two) => one.Part.NumberType == two.Part.NumberType
        ? null
        : $"{one.Name} and {two.Name} were made in different number types: {one.Part.NumberType} and {two.Part.NumberType}";

    private static string? Inputs(RecordedPart one, RecordedPart two) => one.Input == two.Input
        ? null
        : $"{one.Name} and {two.Name} were made with different preprocessing: {one.Input}, and {two.Input}";

    private static string? Overlap(RecordedPart one, RecordedPart two)
    {
        var shared = one.Part.List is { } list && list == two.Part.List ? AtSamePlaces(one, two) : two.Keys.Count(one.KeySet.Contains);
        return shared == 0 ? null : FormattableString.Invariant(
            $"{one.Name} ({Count(one)}) and {two.Name} ({Count(two)}) share {shared} image{(shared == 1 ? "" : "s")}, which would count twice");
    }

    private static string Count(RecordedPart part) => FormattableString.Invariant($"{part.Part.Images} image{(part.Part.Images == 1 ? "" : "s")}");

    // A list may hold one picture at two places; that is no overlap of its parts.
    private static int AtSamePlaces(RecordedPart one, RecordedPart two)
    {
        var keys = one.Part.Places()!.Zip(one.Keys).ToDictionary(entry => entry.First, entry => entry.Second);
        return two.Part.Places()!.Zip(two.Keys).Count(entry => keys.TryGetValue(entry.First, out var key) && key == entry.Second);
    }

    private sealed record RecordedPart(SpectrumPart Part, int Spectrum, string Name)
    {
        public string Input { get; } = Part.Input?.Words ?? "the caller's own";

        public ulong[] Keys { get; } = Part.Keys();

        public HashSet<ulong> KeySet => field ??= [.. Keys];
    }
}
