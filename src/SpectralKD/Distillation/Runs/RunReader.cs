using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

/// <summary>Reads runs back, without taking their folder: a run that is still going on can be looked at.</summary>
internal static class RunReader
{
    public static DistillationRun Load(string path)
    {
        if (File.Exists(path))
        {
            return new DistillationRun { Name = Path.GetFileNameWithoutExtension(path), Folder = path, Epochs = EpochLog.Read(path), Finished = true };
        }

        if (!Directory.Exists(path))
        {
            throw new SpectralKDException($"there is no run at '{path}': name a run's folder or a log.txt");
        }

        var recipe = File.Exists(RunFolder.RecipeOf(path)) ? DistillationRecipe.Load(RunFolder.RecipeOf(path)) : null;
        var checkpoint = new Checkpoint(Path.Combine(path, "checkpoint"));
        if (!checkpoint.Exists && !File.Exists(RunFolder.LogOf(path)))
        {
            throw new SpectralKDException($"'{path}' holds no run: neither a checkpoint nor a log.txt is in it");
        }

        var state = checkpoint.Exists ? checkpoint.Read() : new RunState { Epochs = EpochLog.Read(RunFolder.LogOf(path)), Finished = true };
        return Of(path, recipe, state);
    }

    private static DistillationRun Of(string path, DistillationRecipe? recipe, RunState state) => new()
    {
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))),
        Folder = path,
        Recipe = recipe,
        Epochs = state.Epochs,
        Finished = state.Finished,
        Steps = state.TotalSteps,
        Warnings = state.Warnings,
        StudentOrigin = state.StudentOrigin,
        TeacherOrigin = state.TeacherOrigin,
        StudentSpectra = [.. state.Epochs.Select(metrics => SpectralHistory.NameOf(metrics.Epoch)).Prepend("before")
            .Select(name => Spectrum(path, name)).OfType<ModelSpectrum>()],
        TeacherSpectrum = Spectrum(path, "teacher"),
    };

    private static ModelSpectrum? Spectrum(string folder, string name)
    {
        var file = Path.Combine(RunFolder.SpectraOf(folder), name + ".json");
        return File.Exists(file) ? ModelSpectrum.Load(file) : null;
    }
}
