using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Distillation;

/// <summary>
/// The last state of a run. Each checkpoint's files carry its serial number in their names; <c>state.json</c> names those that belong to it and is replaced
/// last, by a rename. So at any moment there is one whole checkpoint, the old one or the new.
/// </summary>
internal sealed class Checkpoint(string folder)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // a validation loss may be NaN
        TypeInfoResolver = JsonNulls.Refusing,
    };

    private string StatePath => Path.Combine(folder, "state.json");

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>True if there is a whole checkpoint.</summary>
    public bool Exists => File.Exists(StatePath);

    /// <summary>Writes a checkpoint and removes the one before.</summary>
    /// <param name="state">Where the run stands; its files are filled in.</param>
    /// <param name="files">Writers of the files by kind, for example <c>model.safetensors</c>.</param>
    public RunState Save(RunState state, IReadOnlyDictionary<string, Action<string>> files)
    {
        var stored = new Dictionary<string, StoredFile>();
        var serial = Exists ? Read().Serial + 1 : 0;
        foreach (var (kind, write) in files)
        {
            var name = FormattableString.Invariant($"{Path.GetFileNameWithoutExtension(kind)}-{serial:D6}{Path.GetExtension(kind)}");
            write(Path.Combine(folder, name));
            stored[kind] = new StoredFile { Name = name, Sha256 = Hash(Path.Combine(folder, name)) };
        }

        var complete = state with { Files = stored, Serial = serial };
        AtomicFile.Write(StatePath, stream => JsonSerializer.Serialize(stream, complete, Json));
        RemoveAllBut(stored.Values.Select(file => file.Name));
        return complete;
    }

    /// <summary>Reads the state and checks that all its files are whole.</summary>
    public RunState Load()
    {
        var state = Read();
        foreach (var file in state.Files.Values)
        {
            var path = Path.Combine(folder, file.Name);
            if (!File.Exists(path) || Hash(path) != file.Sha256)
            {
                throw new SpectralKDException($"the checkpoint in '{folder}' is damaged: {file.Name} is "
                    + (File.Exists(path) ? "not what was written" : "missing") + "; restore the folder from a copy, or begin the run anew");
            }
        }

        RemoveAllBut(state.Files.Values.Select(file => file.Name));
        return state;
    }

    /// <summary>Reads the state alone.</summary>
    public RunState Read()
    {
        try
        {
            using var stream = File.OpenRead(StatePath);
            var state = JsonSerializer.Deserialize<RunState>(stream, Json) ?? throw Damaged("it holds null");
            return Problem(state) is { } problem ? throw Damaged(problem) : state;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"there is no checkpoint to go on from in '{folder}': {error.Message}", error);
        }
        catch (JsonException error)
        {
            throw Damaged(Words(error), error);
        }
        catch (InvalidOperationException error)
        {
            throw Damaged("a text in it is no valid Unicode", error);
        }
    }

    /// <summary>Path of one of a state's files.</summary>
    public string PathOf(RunState state, string kind) => state.Files.TryGetValue(kind, out var file)
        ? Path.Combine(folder, file.Name)
        : throw new SpectralKDException($"the checkpoint in '{folder}' has no {kind}; it was written by another program");

    private SpectralKDException Damaged(string what, Exception? inner = null) =>
        new($"'{StatePath}' is damaged: {what}; restore the folder from a copy, or begin the run anew", inner);

    private static string Words(JsonException error)
    {
        var place = error.LineNumber is { } line ? FormattableString.Invariant($" in line {line + 1}") : "";
        return error.Path is { Length: > 1 } path ? $"the value of \"{path.TrimStart('$', '.')}\"{place} cannot be understood" : $"it is no run's state{place}";
    }

    // Files are read and removed by these names, so they must be names in this folder.
    private static string? Problem(RunState state) =>
        state.Version != 1 ? FormattableString.Invariant($"it has format version {state.Version}, this program reads version 1")
        : state.Serial < 0 || state.Epoch < 0 || state.Step < 0 || state.TotalSteps < 0 || state.BatchesPerEpoch < 0 ? "it counts below 0"
        : state.Files.Values.FirstOrDefault(file => file.Name.Length == 0 || Path.GetFileName(file.Name) != file.Name || file.Name is "." or "..") is { } odd
            ? $"it names the file '{odd.Name}', which is not in its folder"
        : null;

    // What a kill left half-written goes here too.
    private void RemoveAllBut(IEnumerable<string> names)
    {
        var keep = names.Append("state.json").ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(folder).Where(path => !keep.Contains(Path.GetFileName(path))))
        {
            try
            {
                File.Delete(path);
            }
            catch (IOException)
            {
                // Somebody reads it; the next checkpoint tries again.
            }
        }
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(stream)).ToLowerInvariant();
    }
}

/// <summary>
/// Where a run stands: everything but tensors that its continuation depends on. Random numbers need no state, for each step draws from its own
/// generator, addressed by (seed, epoch, step).
/// </summary>
internal sealed record RunState
{
    public int Version { get; init; } = 1;

    /// <summary>Number of the checkpoint, from 0.</summary>
    public int Serial { get; init; }

    /// <summary>The epoch in progress.</summary>
    public int Epoch { get; init; }

    /// <summary>Steps of that epoch that are done.</summary>
    public int Step { get; init; }

    /// <summary>Steps of the whole run that are done.</summary>
    public long TotalSteps { get; init; }

    /// <summary>Sums over the epoch's steps so far.</summary>
    public LossSums Sums { get; init; } = new();

    /// <summary>Finished epochs.</summary>
    public IReadOnlyList<EpochMetrics> Epochs { get; init; } = [];

    /// <summary>Epoch of <c>best.safetensors</c>; null before the first.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>Top-1 in percent of <c>best.safetensors</c>.</summary>
    public double? BestTop1 { get; init; }

    /// <summary>What was noticed on the way.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>torch's threads: at another number the last bits of sums differ.</summary>
    public int Threads { get; init; }

    /// <summary>SHA-256 of the teacher's weights; null without a teacher.</summary>
    public string? TeacherHash { get; init; }

    /// <summary>Where the student's first weights came from; null in runs of earlier versions.</summary>
    public ModelOrigin? StudentOrigin { get; init; }

    /// <summary>Where the teacher's weights came from; null without a teacher, and in runs of earlier versions.</summary>
    public ModelOrigin? TeacherOrigin { get; init; }

    /// <summary>What the training images were.</summary>
    public string DataName { get; init; } = "";

    /// <summary>Training batches of an epoch.</summary>
    public int BatchesPerEpoch { get; init; }

    /// <summary>The files that belong to this state, by kind: model, optimizer, average.</summary>
    public IReadOnlyDictionary<string, StoredFile> Files { get; init; } = new Dictionary<string, StoredFile>();

    /// <summary>True when all epochs are done.</summary>
    public bool Finished { get; init; }
}
