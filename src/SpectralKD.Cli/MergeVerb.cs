using System.CommandLine;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd merge</c>: puts the parts of a sharded analysis together.</summary>
internal static class MergeVerb
{
    public static Command Create()
    {
        var parts = new Argument<string[]>("parts")
        {
            Description = "spectrum.json files, or folders that analyze wrote",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--out") { Description = "Folder for blocks.csv, spectrum.json and u-curve.html", Required = true, HelpName = "FOLDER" };
        var force = new Option<bool>("--force") { Description = "Overwrite a result in the folder" };
        var uncheckd = new Option<bool>("--unchecked")
        {
            Description = "Merge also what shares images, was made with other weights or preprocessing, or holds no record of it; each is said",
        };
        var command = new Command("merge", "Merges spectra of disjoint images, as if all had been analysed together") { parts, output, uncheckd, force }.PrintsResults();
        command.SetAction(result =>
        {
            var console = result.InvocationConfiguration;
            var paths = result.GetRequiredValue(parts);
            ModelSpectrum[] spectra = [.. paths.Select(Load)];
            Check(spectra, paths, result.GetValue(uncheckd), console.Error);
            var place = SpectrumFiles.Prepare(result.GetRequiredValue(output), result.GetValue(force));
            var whole = ModelSpectrum.Merge(WithEntropiesThatMerge(spectra, console.Error), checkRecords: false);
            foreach (var missing in whole.MissingParts())
            {
                console.Error.WriteLine($"note: {missing}");
            }

            place.Write(whole);
            result.Print(() => place.Words(whole), () => place.Figures(whole));
        });
        return command;
    }

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
