using System.CommandLine;
using SpectralKD.Spectra;

namespace SpectralKD.Cli.Commands;

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
        var output = new Option<string>("--out") { Description = "Folder for blocks.csv, spectrum.json and u-curve.html", Required = true };
        var command = new Command("merge", "Merges spectra of disjoint images, as if all had been analysed together") { parts, output };
        command.SetAction(result => SpectrumFiles.Write(
            ModelSpectrum.Merge(result.GetRequiredValue(parts).Select(Load)), result.GetRequiredValue(output), result.InvocationConfiguration.Output));
        return command;
    }

    private static ModelSpectrum Load(string path) => ModelSpectrum.Load(Directory.Exists(path) ? Path.Combine(path, "spectrum.json") : path);
}
