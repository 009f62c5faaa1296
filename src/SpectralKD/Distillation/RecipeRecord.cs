using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>
/// Makes the recipe of a run on given objects say what is done: the models' names, sizes and weights by their <see cref="VisionModel.Origin"/>, the images by
/// what they were opened by. What a recipe cannot name goes into <see cref="DistillationRecipe.Unrepeatable"/>, with the reason.
/// </summary>
internal static class RecipeRecord
{
    private const string Unnamed = "made in the session";
    private const string Remedy = "save it (#!spectral-save, ModelLoader.Save) and load the file before the run";

    /// <summary>The recipe with what the run works on in the place of what the caller wrote.</summary>
    /// <param name="recipe">How to train.</param>
    /// <param name="student">The student as it is before the first step.</param>
    /// <param name="teacher">The teacher; not looked at with the method none.</param>
    /// <param name="data">The images.</param>
    /// <param name="verify">True loads the models again by the names found, and compares: a file may have been replaced, or weights been changed by hand.</param>
    /// <param name="begun">The recipe of the run that goes on: the checkpoint holds its student and the hash of its teacher. Null for a new run.</param>
    public static DistillationRecipe Of(
        DistillationRecipe recipe, VisionModel student, VisionModel? teacher, ITrainingData data, bool verify = false, DistillationRecipe? begun = null)
    {
        var gaps = new List<string>();
        var used = recipe.HasTeacher ? teacher : null;
        var (name, weights) = ModelOf("student", student, verify && begun is null, gaps);
        var (teacherName, teacherWeights) = used is null ? (null, new DistillationRecipe { Student = "" }.TeacherWeights) : ModelOf("teacher", used, verify && begun is null, gaps);
        return recipe with
        {
            Student = name,
            StudentWeights = begun?.StudentWeights ?? weights,
            Teacher = teacherName,
            TeacherWeights = begun?.TeacherWeights ?? teacherWeights,
            TeacherBFloat16 = recipe.TeacherBFloat16 || used?.AnyWeight.dtype == ScalarType.BFloat16,
            Classes = student.Spec.Classes,
            ImageSize = student.Spec.ImageSize,
            TeacherImageSize = used is not null && used.Spec.ImageSize != student.Spec.ImageSize ? used.Spec.ImageSize : null,
            Window = WindowOf(student.Spec),
            TeacherWindow = used is null ? null : WindowOf(used.Spec),
            DropPathRate = student.Spec.DropPathRate,
            Data = DataOf(recipe, student, data, gaps),
            Unrepeatable = begun is not null ? begun.Unrepeatable : gaps.Count > 0 ? gaps : null,
        };
    }

    /// <summary>Fails for a recipe that says of itself that it cannot be run again.</summary>
    /// <exception cref="SpectralKDException">It does; the message has its reasons.</exception>
    public static void RequireRepeatable(DistillationRecipe recipe)
    {
        if (recipe.Unrepeatable is { Count: > 0 } reasons)
        {
            throw new SpectralKDException($"the recipe cannot be run again, for it cannot name all that its run was made of: {string.Join("; ", reasons)}; "
                + "put sources that it can name in their places, and take \"unrepeatable\" out of it");
        }
    }

    // The name under which the catalogue builds the same model: a tag where it alone gives the same preprocessing.
    private static (string Name, string Weights) ModelOf(string role, VisionModel model, bool verify, List<string> gaps)
    {
        var spec = model.Spec;
        var entry = ModelCatalog.All.FirstOrDefault(entry => entry.Name == spec.Name);
        var names = entry is null ? [] : entry.Published.Select(weights => $"{entry.Name}.{weights.Tag}").Prepend(entry.Name);
        var same = names.Select(name => (Name: name, Entry: ModelCatalog.Find(name)))
            .Where(known => (Windowed(known.Entry.Spec, WindowOf(spec)) with { Classes = spec.Classes, ImageSize = spec.ImageSize, DropPathRate = spec.DropPathRate }).Equals(spec)).ToList();
        var embedded = model.Origin.Kind == WeightsKind.Embedded;
        var named = same.FirstOrDefault(known => !embedded || $"{known.Entry.Name}.{known.Entry.Weights?.Tag}" == model.Origin.Name);
        if (named.Name is null)
        {
            gaps.Add($"the {role} {spec.Name} was built with sizes that are not the catalogue's");
        }

        var weights = WeightsOf(role, model, gaps);
        if (verify && named.Name is not null && weights != Unnamed && !LoadsAgain(model, named.Name, weights))
        {
            gaps.Add($"the {role} {spec.Name} is not what {weights} holds: it was changed in the session, or the file was replaced since; {Remedy}");
            weights = Unnamed;
        }

        return (named.Name ?? spec.Name, weights);
    }

    // Null for the catalogue's own.
    private static int? WindowOf(ModelSpec spec) =>
        spec.Window is { } window && ModelCatalog.All.FirstOrDefault(entry => entry.Name == spec.Name)?.Spec.Window != window ? window : null;

    private static ModelSpec Windowed(ModelSpec spec, int? window) => window is { } side && spec.Window is not null ? spec.WithWindow(side) : spec;

    private static bool LoadsAgain(VisionModel model, string name, string weights)
    {
        try
        {
            var options = new ModelLoadOptions { Weights = weights, Classes = model.Spec.Classes, ImageSize = model.Spec.ImageSize, WindowSize = WindowOf(model.Spec), Device = CPU };
            using var again = ModelLoader.Load(name, options);
            again.to(model.AnyWeight.dtype);
            return WeightHash.Of(again) == WeightHash.Of(model);
        }
        catch (SpectralKDException)
        {
            return false;
        }
    }

    private static string WeightsOf(string role, VisionModel model, List<string> gaps)
    {
        if (model.Origin is { Kind: not (WeightsKind.Trained or WeightsKind.Unknown), Source: { } source })
        {
            return source;
        }

        gaps.Add(model.Origin.Kind == WeightsKind.Trained
            ? $"the {role} {model.Spec.Name} was {model.Origin.Words}; {Remedy}"
            : $"the {role} {model.Spec.Name} has weights that were filled in C#; {Remedy}");
        return Unnamed;
    }

    private static RecipeData DataOf(DistillationRecipe recipe, VisionModel student, ITrainingData data, List<string> gaps)
    {
        if (data is not ImageTrainingData images)
        {
            gaps.Add($"the images come from the session's own {data.GetType().Name}");
            return new RecipeData { Train = data.Name, Mixup = recipe.Data.Mixup, CutMix = recipe.Data.CutMix };
        }

        var (settings, split) = (images.Settings, images.Split);
        var described = recipe.Data with { Augmentation = settings.Augmentation, Workers = settings.Workers, Views = settings.Views, ImageCache = settings.ImageCache };
        if (images.Seed != recipe.Seed)
        {
            gaps.Add(FormattableString.Invariant($"the images are ordered and augmented by seed {images.Seed}, the rest of the run by seed {recipe.Seed}"));
        }

        if (images.Preprocessing != student.Spec.Preprocessing)
        {
            gaps.Add($"the images are prepared otherwise than {student.Spec.Name}'s");
        }

        if (split.Query is { } query)
        {
            return described with
            {
                Train = query.Train.Source,
                Count = query.Train.Count,
                Size = query.Train.Size,
                Classes = query.Train.Classes,
                Seed = query.Train.Seed,
                Validation = query.Validation,
                ValidationCount = query.ValidationCount,
                ValidationShare = query.Fraction ?? new RecipeData().ValidationShare,
                ValidationSeed = query.ValidationSeed,
                HoldOut = query.HoldOut,
            };
        }

        gaps.Add(split.Train.Query is not null && split.Validation.Query is not null
            ? "training and validation images were opened with different sizes or numbers of classes"
            : $"the images {split.Train.Name} and {split.Validation.Name} were chosen in C#, not opened by a name");
        return described with { Train = split.Train.Name, Validation = split.Validation.Name };
    }
}
