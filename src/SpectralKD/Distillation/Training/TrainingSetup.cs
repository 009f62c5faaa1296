using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>
/// Models, data and optimiser of a run, made ready and checked against each other: devices and precisions set, the teacher frozen. Models go
/// back as they were (float32, evaluation mode) at the end.
/// </summary>
internal sealed class TrainingSetup : IDisposable
{
    private readonly (bool Products, bool Convolutions) _tf32 = (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);
    private readonly VisionModel? _rounded;

    public TrainingSetup(VisionModel student, VisionModel? teacher, ITrainingData data, DistillationRecipe recipe, Device device)
    {
        (Student, Recipe) = (student, recipe);
        Teacher = recipe.HasTeacher ? teacher : null;
        Data = data is ImageTrainingData images ? images.For(Teacher) : data;
        SetupRules.Check(student, Teacher, data, recipe);
        Remarks = [.. SetupRules.Remarks("teacher", Teacher), .. SetupRules.Remarks("student", student), .. SetupRules.CacheRemarks(recipe, data), .. SetupRules.LayerRemarks(recipe), .. SetupRules.ColourRemarks(student, Teacher, data)];
        StepsPerEpoch = data.BatchesPerEpoch(recipe.Batch) / recipe.Accumulate;
        Plan = SetupRules.Plan(student, Teacher, recipe);
        TeacherHash = Teacher is null ? null : WeightHash.Of(Teacher);
        if (Teacher is not null)
        {
            if (recipe.TeacherPrecision is { } numbers)
            {
                ModelInPrecision.Check(numbers, device);
            }

            Remarks = recipe.TeacherNumbers == ModelPrecision.Bf16 && FastBFloat16.Remark(device) is { } slow ? [.. Remarks, slow] : Remarks;
            Teacher.to(device);
            Teacher.eval();
            _rounded = recipe.TeacherNumbers == ModelPrecision.Bf16 && Teacher.AnyWeight.dtype != ScalarType.BFloat16 ? ModelInPrecision.Rounded(Teacher, ScalarType.BFloat16) : null;
            Teacher = _rounded ?? Teacher;
        }

        student.to(recipe.Precision == TrainingPrecision.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32);
        student.to(device);
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = recipe.Precision != TrainingPrecision.Float32;
        Parts = new TrainingParts(student, recipe.Optimizer, recipe.EmaDecayIn(0, StepsPerEpoch), new StepLoss(Plan, student, Teacher, recipe.Seed));
        Cache = TeacherCache.Open(recipe, Teacher, TeacherHash, Plan.TeacherBlocks);
        Step = new BatchStep(new TrainingStep(student, Teacher, Parts.Loss, Parts.Optimizer, Parts.Ema, Cache, recipe.TeacherNumbers), new BatchMixing(recipe, student.Spec.Classes));
        ParameterCount = student.parameters().Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel());
    }

    public VisionModel Student { get; }

    public VisionModel? Teacher { get; }

    public ITrainingData Data { get; }

    public DistillationRecipe Recipe { get; }

    /// <summary>The terms of the loss, with their layer pairs.</summary>
    public LossPlan Plan { get; }

    public TrainingParts Parts { get; }

    public BatchStep Step { get; }

    /// <summary>The teacher's answers on disk; null where the recipe asks for none.</summary>
    public TeacherCache? Cache { get; }

    public int StepsPerEpoch { get; }

    public string? TeacherHash { get; }

    public long ParameterCount { get; }

    public int Threads { get; } = get_num_threads();

    /// <summary>What the models' weights are that a user should know, one line each.</summary>
    public IReadOnlyList<string> Remarks { get; }

    public RunState FirstState() => new()
    {
        Threads = Threads,
        TeacherHash = TeacherHash,
        StudentOrigin = Student.Origin,
        TeacherOrigin = Teacher?.Origin,
        DataName = Data.Name,
        BatchesPerEpoch = Data.BatchesPerEpoch(Recipe.Batch),
    };

    /// <summary>Fails where a run cannot go on with this teacher and these images.</summary>
    public void CheckContinuation(RunState state)
    {
        if (state.TeacherHash != TeacherHash)
        {
            throw new SpectralKDException("the run was begun with another teacher: its weights' SHA-256 differs; resume with the weights it was begun with");
        }

        if (state.DataName != Data.Name || state.BatchesPerEpoch != Data.BatchesPerEpoch(Recipe.Batch))
        {
            throw new SpectralKDException($"the run was begun on other images: {state.BatchesPerEpoch} batches an epoch of {state.DataName}, now "
                + $"{Data.BatchesPerEpoch(Recipe.Batch)} of {Data.Name}; resume with the images it was begun with");
        }

        if (state.Epoch > Recipe.Epochs || state.Step > StepsPerEpoch || state.TotalSteps > ((long)state.Epoch * StepsPerEpoch) + state.Step)
        {
            throw new SpectralKDException($"the run's state.json is damaged: it tells of step {state.Step} of epoch {state.Epoch} and {state.TotalSteps} steps in all, "
                + $"but the run has {Recipe.Epochs} epochs of {StepsPerEpoch}; restore the folder from a copy, or begin the run anew");
        }
    }

    /// <summary>Does something with the averaged weights in the student; null where no average is kept.</summary>
    public T? WithAverage<T>(Func<VisionModel, T?> action)
        where T : class
    {
        if (Parts.Ema is null)
        {
            return null;
        }

        Exchange();
        try
        {
            return action(Student);
        }
        finally
        {
            Exchange();
        }
    }

    public void Dispose()
    {
        Release(Student);
        Parts.Dispose();
        Cache?.Dispose();
        _rounded?.Dispose();

        (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = _tf32;
    }

    // A bfloat16 student leaves as float32, with its masters' full precision.
    private void Release(VisionModel student)
    {
        student.zero_grad();
        if (Recipe.Precision == TrainingPrecision.Bf16)
        {
            student.to(ScalarType.Float32);
            using var guard = no_grad();
            foreach (var (name, parameter) in student.named_parameters())
            {
                parameter.copy_(Parts.Weights[name]);
            }
        }

        student.eval();
    }

    private void Exchange()
    {
        Parts.Ema!.Swap();
        Parts.Optimizer.Publish();
    }
}
