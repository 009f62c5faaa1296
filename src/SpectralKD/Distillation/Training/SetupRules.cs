namespace SpectralKD.Distillation;

/// <summary>What models, images and recipe of a run must have in common.</summary>
internal static class SetupRules
{
    public static void Check(VisionModel student, VisionModel? teacher, ITrainingData data, DistillationRecipe recipe)
    {
        recipe.Validate();
        if (recipe.HasTeacher && teacher is null)
        {
            throw new SpectralKDException(recipe.Losses is null
                ? $"the method {recipe.Loss.Method} needs a teacher; give one, or take the method none"
                : $"{recipe.LossWords(kind => kind.Teacher)} cannot do without a teacher; give one, or take labels alone");
        }

        if (ReferenceEquals(student, teacher))
        {
            throw new SpectralKDException("teacher and student are the same object; load the student a second time");
        }

        if (recipe.Data.Views is not null && data is not ImageTrainingData)
        {
            throw new SpectralKDException($"data.views is for images that are opened by name or as an ImageTrainingData; {data.Name} varies its images itself; leave views out");
        }

        if (recipe.Precision == TrainingPrecision.Bf16 && student.named_buffers().Any(entry => entry.buffer.is_floating_point()))
        {
            throw new SpectralKDException($"{student.Spec.Name} keeps running statistics (BatchNorm), which bfloat16 is too coarse for; train it in float32 or tf32");
        }

        CheckClasses(student, data.Classes.Count);
        CheckSize(student, data.ImageSize);
        if (teacher is not null)
        {
            CheckTeacherSize(teacher, student, data);
            CheckLogits(student, teacher, recipe);
            CheckHead(teacher, recipe);
        }

        var batches = data.BatchesPerEpoch(recipe.Batch);
        if (batches < recipe.Accumulate)
        {
            throw new SpectralKDException($"{data.Name} gives {batches} full batches of {recipe.Batch}, but a step takes {recipe.Accumulate}; "
                + "take smaller batches or more images");
        }
    }

    /// <summary>What is to be said of a model's weights at the beginning: what loading dropped, replaced or chose, and that a teacher has learnt nothing.</summary>
    public static IEnumerable<string> Remarks(string role, VisionModel? model)
    {
        if (model is null)
        {
            return [];
        }

        var notes = model.Origin.Notes.Select(note => $"the {role} {model.Spec.Name}: {note}");
        return role == "teacher" && model.Origin.IsUntrained ? notes.Prepend($"the teacher {model.Spec.Name} is {model.Origin.Words}") : notes;
    }

    /// <summary>What is to be said of a teacher's cache that this run cannot be served by.</summary>
    public static IEnumerable<string> CacheRemarks(DistillationRecipe recipe, ITrainingData data)
    {
        var draws = DrawsOf(recipe, data);
        return recipe.CacheTeacher is null || draws is null || draws < recipe.Epochs || recipe.Epochs == 1 ? []
            : ["the teacher's cache serves only a run that goes on or is repeated: " + (recipe.Data.Views is { } views
                ? FormattableString.Invariant($"{views} views in {recipe.Epochs} epochs show no image twice in one run; take fewer")
                : $"the augmentation {((ImageTrainingData)data).Settings.Augmentation} draws anew in each epoch, so that no image comes twice; set data.views (--views 2) to see each draw again")];
    }

    /// <summary>How many different sets of images the epochs show the teacher; null where only the data know it.</summary>
    public static int? DrawsOf(DistillationRecipe recipe, ITrainingData data) => data is not ImageTrainingData images ? null
        : Augmentation.Parse(images.Settings.Augmentation) == Augmentation.None ? 1
        : Math.Min(images.Settings.Views ?? recipe.Epochs, recipe.Epochs);

    /// <summary>What is to be said of layers that no term compares.</summary>
    public static IEnumerable<string> LayerRemarks(DistillationRecipe recipe) =>
        recipe is not { Losses: { } losses, StudentLayers: not null } || losses.Any(term => term.StudentLayers is null && LossCatalog.Find(term.Name).Rule.OfRecipe) ? []
            : [$"studentLayers and teacherLayers have no use: none of the losses {string.Join(", ", losses.Select(term => term.Name))} takes its layers from the recipe"];

    /// <summary>What is to be said where teacher and student were made for images of another mean and standard deviation.</summary>
    public static IEnumerable<string> ColourRemarks(VisionModel student, VisionModel? teacher, ITrainingData data) =>
        teacher is null || student.Spec.Preprocessing.NormalizesAs(teacher.Spec.Preprocessing) ? []
        : [$"the student {student.Spec.Name} takes images by {student.Spec.Preprocessing.NumbersInWords}, the teacher {teacher.Spec.Name} by {teacher.Spec.Preprocessing.NumbersInWords}: "
            + (data is ImageTrainingData ? "each is shown the same crops by its own numbers" : $"the teacher is shown those of {data.Name} as they come")];

    /// <summary>The terms of the recipe's loss, with their layer pairs.</summary>
    public static LossPlan Plan(VisionModel student, VisionModel? teacher, DistillationRecipe recipe)
    {
        if (recipe.Losses is { } losses)
        {
            return LossPlan.Of(losses, student, recipe.StudentLayers, teacher, recipe.TeacherLayers, recipe.ResizeMaps);
        }

        return (teacher is null || !recipe.Align) && recipe.Loss.Method == DistillationMethod.Fft
            ? throw new SpectralKDException("the method fft has nothing but alignment to learn from the teacher; set align to true")
            : LossPlan.Of(recipe.Loss, student, recipe.StudentLayers, teacher, recipe.TeacherLayers, recipe.Align, recipe.ResizeMaps);
    }

    private static void CheckClasses(VisionModel student, int classes)
    {
        if (student.Spec.Classes < classes)
        {
            throw new SpectralKDException(
                $"{student.Spec.Name} has {(student.Spec.Classes == 0 ? "no head" : $"{student.Spec.Classes} classes")}, but the images have {classes} classes; create it with {classes} classes");
        }
    }

    private static void CheckSize(VisionModel model, ImageSize size)
    {
        if (model.Spec.ImageSize != size)
        {
            throw new SpectralKDException($"{model.Spec.Name} takes images of {model.Spec.ImageSize} pixels, but the batches hold {size}; "
                + $"create it for {size} pixels, or read the images at {model.Spec.ImageSize}");
        }
    }

    private static void CheckTeacherSize(VisionModel teacher, VisionModel student, ITrainingData data)
    {
        var size = data.TeacherImageSize ?? data.ImageSize;
        if (teacher.Spec.ImageSize != size)
        {
            throw new SpectralKDException($"the teacher {teacher.Spec.Name} takes images of {teacher.Spec.ImageSize} pixels, but the batches hold {size} for it; create it for {size} pixels, or let the "
                + $"same crops be resized for it (teacherImageSize {teacher.Spec.ImageSize}; the student {student.Spec.Name} keeps its {data.ImageSize})");
        }
    }

    private static void CheckLogits(VisionModel student, VisionModel teacher, DistillationRecipe recipe)
    {
        if (recipe.ComparesLogits && teacher.Spec.Classes == 0)
        {
            throw new SpectralKDException($"the teacher {teacher.Spec.Name} has no head, so it has no logits for "
                + $"{(recipe.Losses is null ? $"the method {recipe.Loss.Method.ToString().ToLowerInvariant()}" : recipe.LossWords(kind => kind.TeacherLogits))}; "
                + $"{(recipe.Losses is null ? "align its feature maps alone (method fft)" : "take losses that compare feature maps alone")}, or take weights with a head");
        }

        if (recipe.ComparesLogits && student.Spec.Classes != teacher.Spec.Classes)
        {
            throw new SpectralKDException($"the student has {student.Spec.Classes} classes and the teacher {teacher.Spec.Classes}, so their logits "
                + $"cannot be compared; give both the same classes, or {Instead(recipe, "take the method fft")}");
        }
    }

    // A fresh head's logits are noise, and a student learns them as readily as any others.
    private static void CheckHead(VisionModel teacher, DistillationRecipe recipe)
    {
        if (teacher.Origin.FreshHead && recipe.ComparesLogits)
        {
            throw new SpectralKDException(
                $"the teacher {teacher.Spec.Name} has a fresh, random head of {teacher.Spec.Classes} classes ({teacher.Origin.Words}), and "
                + $"{(recipe.Losses is null ? $"the method {recipe.Loss.Method.ToString().ToLowerInvariant()}" : recipe.LossWords(kind => kind.TeacherLogits))} would teach its random logits; "
                + $"take weights with a head of {teacher.Spec.Classes} classes, train the teacher on these images first (method none), or {Instead(recipe, "align its feature maps alone (method fft)")}");
        }
    }

    private static string Instead(DistillationRecipe recipe, string method) =>
        recipe.Losses is null ? method : $"leave out {recipe.LossWords(kind => kind.TeacherLogits)}";
}
