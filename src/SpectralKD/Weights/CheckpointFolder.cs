using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>One stored moment of a training.</summary>
/// <param name="Name">What tells it from the others: its file's or folder's name without the ending, such as <c>checkpoint-10</c>.</param>
/// <param name="Weights">What <see cref="ModelLoadOptions.Weights"/> takes.</param>
public sealed record TrainingCheckpoint(string Name, string Weights);

/// <summary>The checkpoints of a training, whoever trained: weights' files in one folder, or a folder each, as Hugging Face's Trainer leaves them.</summary>
public sealed partial class CheckpointFolder
{
    private static readonly string[] Endings = [".pth.tar", ".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".dat"];

    private CheckpointFolder(IReadOnlyList<TrainingCheckpoint> checkpoints, IReadOnlyList<string> notes) => (Checkpoints, Notes) = (checkpoints, notes);

    /// <summary>The checkpoints in natural order: <c>checkpoint-9</c> before <c>checkpoint-10</c>.</summary>
    public IReadOnlyList<TrainingCheckpoint> Checkpoints { get; }

    /// <summary>What was left out and why, a line each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>
    /// Lists a folder. Where some names have a number, those without one (<c>last</c>, <c>model_best</c>: copies of others) are left out with a note.
    /// </summary>
    /// <exception cref="SpectralKDException">There is no such folder, or no weights are in it.</exception>
    public static CheckpointFolder Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new SpectralKDException($"there is no folder {folder}: give one that holds a training's checkpoints");
        }

        var found = Directory.EnumerateFiles(folder).Where(file => Ending(file) is not null).Select(file => new TrainingCheckpoint(Path.GetFileName(WithoutEnding(file)), file))
            .Concat(Directory.EnumerateDirectories(folder).Select(Inside).OfType<TrainingCheckpoint>()).OrderBy(one => Padded(one.Name), StringComparer.Ordinal).ToList();
        if (found.Count == 0)
        {
            throw new SpectralKDException($"the folder {folder} holds no weights: give one with {string.Join(", ", Endings)} files, or with a folder for each checkpoint");
        }

        if (found.GroupBy(one => one.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new SpectralKDException($"the folder {folder} holds {twice.Count()} checkpoints called {twice.Key}: {string.Join(", ", twice.Select(one => Path.GetFileName(one.Weights)))}; leave one");
        }

        var numbered = found.Where(one => Digits().IsMatch(one.Name)).ToList();
        var (kept, left) = numbered.Count > 1 ? (numbered, found.Except(numbered).ToList()) : (found, []);
        return new CheckpointFolder(kept, left.Count == 0 ? [] : [$"{string.Join(", ", left.Select(one => one.Name))} left out: without a number, so copies of others or of no known moment"]);
    }

    // model.safetensors beside optimizer.pt, as the Trainer leaves it; else the only weights in the folder.
    private static TrainingCheckpoint? Inside(string folder)
    {
        var known = WeightFileNames.InOrder.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        var files = Directory.EnumerateFiles(folder).Where(file => Ending(file) is not null).Take(2).ToList();
        return (known ?? (files.Count == 1 ? files[0] : null)) is { } weights ? new TrainingCheckpoint(Path.GetFileName(folder), weights) : null;
    }

    private static string? Ending(string file) => Endings.FirstOrDefault(ending => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>A path without the ending of a file of weights; another one stays.</summary>
    internal static string WithoutEnding(string file) => file[..^(Ending(file)?.Length ?? 0)];

    internal static string Padded(string name) => Digits().Replace(name, match => match.Value.PadLeft(12, '0'));

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
