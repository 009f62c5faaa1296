namespace SpectralKD.Distillation;

/// <summary>
/// The folder of a run: <c>recipe.json</c>, <c>log.txt</c>, <c>metrics.csv</c>, <c>tensorboard/</c>, <c>checkpoint/</c>, <c>best.safetensors</c>, <c>correct.txt</c>, <c>spectra/</c>. Held by one process at a time.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    private readonly RunLock _lock;

    private RunFolder(string path, RunLock @lock)
    {
        (Root, _lock) = (path, @lock);
        Checkpoint = new Checkpoint(Path.Combine(path, "checkpoint"));
    }

    public string Root { get; }

    public Checkpoint Checkpoint { get; }

    public string Best => Path.Combine(Root, "best.safetensors");

    public string Log => LogOf(Root);

    public static string RecipeOf(string folder) => Path.Combine(folder, "recipe.json");

    public static string LogOf(string folder) => Path.Combine(folder, "log.txt");

    public static string HitsOf(string folder) => Path.Combine(folder, "correct.txt");

    public static string SpectraOf(string folder) => Path.Combine(folder, "spectra");

    /// <summary>The name of the student's spectrum after an epoch.</summary>
    public static string SpectrumOf(int epoch) => FormattableString.Invariant($"epoch-{epoch:D4}");

    public string Spectrum(string name) => Path.Combine(SpectraOf(Root), name + ".json");

    /// <summary>Stores a spectrum under a name.</summary>
    public void Keep(string name, ModelSpectrum spectrum)
    {
        Directory.CreateDirectory(SpectraOf(Root));
        spectrum.Save(Spectrum(name));
    }

    /// <summary>Keeps which validation images the student got right after its last epoch: a line <c>epoch N</c> and a line of 0 and 1, in the images' order.</summary>
    public void KeepHits(int epoch, IReadOnlyCollection<bool> hits)
    {
        if (hits.Count > 0)
        {
            AtomicFile.WriteText(HitsOf(Root), FormattableString.Invariant($"epoch {epoch}\n{string.Concat(hits.Select(hit => hit ? '1' : '0'))}\n"));
        }
    }

    /// <summary>Which validation images were right after an epoch; null where that was not kept.</summary>
    public static IReadOnlyList<bool>? HitsIn(string folder, int epoch)
    {
        var lines = File.Exists(HitsOf(folder)) ? File.ReadAllLines(HitsOf(folder)) : [];
        return lines is [var head, var hits] && head == FormattableString.Invariant($"epoch {epoch}") && hits.All(hit => hit is '0' or '1') ? [.. hits.Select(hit => hit == '1')] : null;
    }

    /// <summary>Begins a run in a folder that holds none yet.</summary>
    public static RunFolder Begin(string path, DistillationRecipe recipe) => Taken(path, folder =>
    {
        if (folder.Checkpoint.Exists)
        {
            throw new SpectralKDException($"'{path}' already holds a run; resume it, or choose another folder");
        }

        recipe.Save(RecipeOf(folder.Root));
    });

    /// <summary>The recipe of the run in a folder; null where there is none.</summary>
    public static DistillationRecipe? RecipeIn(string path) => File.Exists(RecipeOf(path)) ? DistillationRecipe.Load(RecipeOf(path)) : null;

    /// <summary>Opens a run to go on with it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="recipe">The recipe as this run would be recorded.</param>
    /// <param name="given">The recipe as the caller gave it: folders of earlier versions hold that.</param>
    /// <remarks>The places of the caches may differ: they change no number. More epochs make the run longer (<see cref="RunContinuation"/>).</remarks>
    public static RunFolder Resume(string path, DistillationRecipe recipe, DistillationRecipe given) => Taken(path, folder =>
    {
        var stored = RecipeIn(path) ?? recipe;
        stored = recipe.Epochs > stored.Epochs ? stored with { Epochs = recipe.Epochs, Extended = recipe.Extended } : stored;
        var differences = Differences(recipe);
        if (differences.Count > 0 && Differences(given).Count > 0)
        {
            throw new SpectralKDException($"the run in '{path}' was begun with another recipe: {string.Join(", ", differences)}; "
                + "resume it with its own recipe.json, or begin a new run in another folder");
        }

        stored.Save(RecipeOf(folder.Root));

        IReadOnlyList<string> Differences(DistillationRecipe other) => RecipeFile.Differences(
            stored, other with { CacheTeacher = stored.CacheTeacher, Data = other.Data with { ImageCache = stored.Data.ImageCache } });
    });

    public void Dispose() => _lock.Dispose();

    private static RunFolder Taken(string path, Action<RunFolder> prepare)
    {
        var folder = new RunFolder(Path.GetFullPath(path), RunLock.Take(path));
        try
        {
            prepare(folder);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }
}

/// <summary>Keeps a run's folder for one process: the operating system frees it even when that process is killed.</summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the folder.</summary>
    /// <exception cref="SpectralKDException">Another run has it, or the folder cannot be written.</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(folder, "run.lock");
        try
        {
            Directory.CreateDirectory(folder);
            return new RunLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new SpectralKDException($"the run's folder '{folder}' cannot be written: {error.Message}", error);
        }
        catch (IOException error)
        {
            throw new SpectralKDException(
                $"another run is writing to '{folder}', or it is on a full disk ({error.Message}); wait for it, or choose another folder", error);
        }
    }

    public void Dispose() => _file.Dispose();
}

/// <summary>A file of a checkpoint, checked before it is read.</summary>
internal sealed record StoredFile
{
    /// <summary>Its name in the checkpoint's folder.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of its content, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }
}
