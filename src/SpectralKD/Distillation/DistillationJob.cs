using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>The models and images that a recipe names, ready to be trained. Owns the models.</summary>
public sealed class DistillationJob : IDisposable
{
    private DistillationJob(DistillationRecipe recipe, VisionModel student, VisionModel? teacher, ITrainingData data) =>
        (Recipe, Student, Teacher, Data) = (recipe, student, teacher, data);

    /// <summary>The recipe.</summary>
    public DistillationRecipe Recipe { get; }

    /// <summary>The student with its first weights, or after <see cref="RunAsync"/> with its last.</summary>
    public VisionModel Student { get; }

    /// <summary>The teacher; null with the method none.</summary>
    public VisionModel? Teacher { get; }

    /// <summary>The images.</summary>
    public ITrainingData Data { get; }

    /// <summary>Opens the images and loads both models.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="download">Hears of downloads.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="SpectralKDException">The recipe is not valid, or names what cannot be had.</exception>
    public static async Task<DistillationJob> PrepareAsync(
        DistillationRecipe recipe, IProgress<DownloadProgress>? download = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        recipe.Validate();
        RecipeRecord.RequireRepeatable(recipe);
        var spec = ModelCatalog.Find(recipe.Student).Spec;
        var size = recipe.ImageSize ?? spec.ImageSize;
        var device = Devices.Parse(recipe.Device);
        var data = ImageTrainingData.Open(recipe, spec.Preprocessing, size);
        var options = new ModelLoadOptions { Classes = recipe.Classes ?? data.Classes.Count, ImageSize = size, Device = device };
        VisionModel? teacher = null;
        try
        {
            teacher = !recipe.HasTeacher ? null
                : await ModelLoader.LoadAsync(recipe.Teacher!, options with { Weights = recipe.TeacherWeights, ImageSize = recipe.TeacherImageSize ?? size, WindowSize = recipe.TeacherWindow }, download, cancellation).ConfigureAwait(false);
            var student = await StudentAsync(recipe, options, download, cancellation).ConfigureAwait(false);
            return new DistillationJob(recipe, student, teacher, data.For(teacher));
        }
        catch
        {
            teacher?.Dispose();
            throw;
        }
    }

    /// <summary>Trains, see <see cref="Distiller.RunAsync(VisionModel, VisionModel, ITrainingData, DistillationRecipe, string, bool, IProgress{TrainingProgress}, CancellationToken)"/>.</summary>
    /// <param name="folder">The run's folder; null keeps nothing on disk.</param>
    /// <param name="resume">Goes on with the run in the folder.</param>
    /// <param name="progress">Told after every step and epoch, on the training thread.</param>
    /// <param name="stop">Stops after the current step, with a checkpoint.</param>
    /// <exception cref="SpectralKDException">The run cannot begin or go on.</exception>
    public Task<DistillationRun> RunAsync(
        string? folder = null, bool resume = false, IProgress<TrainingProgress>? progress = null, CancellationToken stop = default) =>
        Distiller.StartAsync(Student, Teacher, Data, Recipe, folder, resume, record: false, progress, stop);

    /// <inheritdoc/>
    public void Dispose()
    {
        Student.Dispose();
        Teacher?.Dispose();
    }

    private static async Task<VisionModel> StudentAsync(
        DistillationRecipe recipe, ModelLoadOptions options, IProgress<DownloadProgress>? download, CancellationToken cancellation)
    {
        var weights = recipe.StudentWeights == "seeded" ? FormattableString.Invariant($"seeded:{recipe.Seed}") : recipe.StudentWeights;
        var loaded = await ModelLoader.LoadAsync(recipe.Student, options with { Weights = weights, WindowSize = recipe.Window }, download, cancellation).ConfigureAwait(false);
        if (recipe.DropPathRate == 0)
        {
            return loaded;
        }

        using (loaded)
        {
            return WithDropPath(loaded, recipe.DropPathRate);
        }
    }

    // Stochastic depth is part of a model's making, so the weights move into a new one.
    private static VisionModel WithDropPath(VisionModel loaded, double rate)
    {
        var model = ModelCatalog.Create(loaded.Spec with { DropPathRate = rate }, seed: null);
        model.to(loaded.AnyWeight.device);
        model.Origin = loaded.Origin;
        using var guard = no_grad();
        var source = loaded.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (name, parameter) in model.named_parameters())
        {
            parameter.copy_(source[name]);
        }

        model.Origin = loaded.Origin;
        return model;
    }
}
