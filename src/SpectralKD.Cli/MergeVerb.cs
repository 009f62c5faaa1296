using System.CommandLine;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd merge</c>: puts the parts of a sharded analysis, report or similarity together.</summary>
internal static class MergeVerb
{
    public static Command Create()
    {
        var parts = new Argument<string[]>("parts")
        {
            Description = "spectrum.json files, or folders that analyze, report or similarity wrote",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--out") { Description = "Folder for blocks.csv, spectrum.json and u-curve.html; of reports and similarities for what those write", Required = true, HelpName = "FOLDER" };
        var force = ModelOptions.Force();
        var uncheckd = new Option<bool>("--unchecked")
        {
            Description = "Merge also what shares images, was made with other weights or preprocessing, or holds no record of it; each is said",
        };
        var command = new Command("merge", "Merges spectra, reports or similarities of disjoint images, as if all had been analysed together") { parts, output, uncheckd, force }.PrintsResults();
        command.SetAction(result =>
        {
            var console = result.InvocationConfiguration;
            var paths = result.GetRequiredValue(parts);
            var similarities = paths.Select(SimilarityVerb.SumsIn).ToList();
            if (similarities.Any(file => file is not null))
            {
                Similarities(result, paths, similarities, result.GetRequiredValue(output), result.GetValue(force));
                return;
            }

            var reports = paths.Select(ReportIn).ToList();
            ModelSpectrum[] spectra = [.. paths.Select((path, i) => reports[i]?.Spectrum ?? Load(path))];
            Check(spectra, paths, result.GetValue(uncheckd), console.Error);
            var place = SpectrumFiles.Prepare(result.GetRequiredValue(output), result.GetValue(force));
            if (reports.IndexOf(null) is var lacking && lacking < 0)
            {
                var report = SpectralReport.Merge(reports.OfType<SpectralReport>(), checkRecords: false);
                TellMissing(report.Spectrum, console.Error);
                if (!report.IsComplete)
                {
                    var folder = result.GetRequiredValue(output);
                    console.Error.WriteLine(
                        "note: the activation entropy and the components of the basis that all images share (shared_d95) are left out, since they take the images again: give each part's command once more "
                        + $"with --whole {folder}, then merge the parts again with --force; or the command of the whole, with --whole {folder} --out {folder}");
                }

                ReportVerb.Print(result, report, place.Write(report));
                return;
            }

            if (reports.Any(report => report is not null))
            {
                console.Error.WriteLine($"note: {paths[lacking]} is no report, so that only the spectra of the others are merged with it");
            }

            var whole = ModelSpectrum.Merge(WithEntropiesThatMerge(spectra, console.Error), checkRecords: false);
            TellMissing(whole, console.Error);
            place.Write(whole);
            result.Print(() => place.Words(whole), () => place.Figures(whole));
        });
        return command;
    }

    private static void Similarities(ParseResult result, string[] paths, List<string?> files, string folder, bool force)
    {
        if (files.IndexOf(null) is var lacking && lacking >= 0)
        {
            throw new SpectralKDException($"{paths[lacking]} holds no similarity.safetensors, but {paths[files.FindIndex(file => file is not null)]} does: merge similarities with similarities");
        }

        OutputFolder.Prepare(folder, SimilarityVerb.SumsFile, "a similarity", force);
        var whole = ModelSimilarity.Merge(files.Select(file => ModelSimilarity.Load(file!)));
        foreach (var note in whole.Notes)
        {
            result.InvocationConfiguration.Error.WriteLine($"note: {note}");
        }

        SimilarityVerb.Write(result, whole, null, folder);
    }

    private static void TellMissing(ModelSpectrum whole, TextWriter error)
    {
        foreach (var missing in whole.MissingParts())
        {
            error.WriteLine($"note: {missing}");
        }
    }

    /// <summary>The report in a folder or a file of sums; null for spectra alone.</summary>
    private static SpectralReport? ReportIn(string path)
        => File.Exists(Path.Combine(path, "sums.safetensors")) || (File.Exists(path) && path.EndsWith(".safetensors", StringComparison.Ordinal)) ? ReportVerb.Load(path) : null;

    private static void Check(ModelSpectrum[] spectra, string[] paths, bool uncheckd, TextWriter error)
    {
        var problems = ModelSpectrum.MergeProblems(spectra, paths);
        if (problems.Count > 0 && !uncheckd)
        {
            var more = problems.Count == 1 ? "" : $" (and {problems.Count - 1} more like it)";
            throw new SpectralKDException($"{problems[0]}{more}; leave one of them out, or say --unchecked to merge all the same");
        }

        foreach (var problem in problems)
        {
            error.WriteLine($"merged all the same: {problem}");
        }
    }

    // Entropies over different ranges cannot be added; the rest of the spectra can, so it is not held back.
    private static IEnumerable<ModelSpectrum> WithEntropiesThatMerge(IReadOnlyList<ModelSpectrum> parts, TextWriter error)
    {
        var ranges = parts.Select(part => part.Blocks[0].Entropy?.Range).Distinct().ToList();
        if (ranges.Count == 1)
        {
            return parts;
        }

        var seen = parts.Select(part => part.Activations).Concat(ranges).OfType<ActivationRange>().Aggregate((one, two) => one.Union(two));
        error.WriteLine(
            "the activation entropy is left out: the parts' entropies were counted over different ranges "
            + $"({string.Join("; ", ranges.Select(range => range is null ? "none" : $"[{range}]"))}); "
            + $"to have it, analyze every part again with --entropy-range={seen} and merge those");
        return parts.Select(part => part.WithoutActivationEntropy());
    }

    private static ModelSpectrum Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, "spectrum.json") : path;
        return File.Exists(file) ? ModelSpectrum.Load(file) : throw new SpectralKDException(
            $"there is no {(file == path ? $"file or folder {path}" : $"spectrum.json in {path}")}: give spectrum.json files, or folders that spectralkd analyze wrote");
    }
}
