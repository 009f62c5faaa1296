namespace SpectralKD.Distillation;

/// <summary>How the gradient of the alignment of a pair agrees with that of the other losses in the first steps of a run, before anything is trained or after its first epoch.</summary>
internal static class GradientAffinity
{
    /// <summary>Of each pair the cosine of both gradients over the parameters that both reach, and the ratio of their lengths there; means over batches.</summary>
    public static IReadOnlyList<(double Cosine, double Ratio)> Of(
        DistillationJob job, DistillationRecipe without, IReadOnlyList<(int Student, int Teacher)> pairs, int images, int epoch = 0, PredictionStep? progress = null,
        CancellationToken cancellation = default)
    {
        var (student, teacher, recipe) = (job.Student, job.Teacher!, job.Recipe);
        using var others = new StepLoss(SetupRules.Plan(student, without.HasTeacher ? teacher : null, without), student, teacher, recipe.Seed);
        var alignments = pairs.Select(pair => new StepLoss(PlanOf(student, teacher, recipe, pair), student, teacher, recipe.Seed)).ToList();
        var training = student.training;
        student.eval();
        teacher.eval();
        var sums = new (double Cosine, double Ratio)[pairs.Count];
        var (batches, planned) = (0, Math.Clamp(images / recipe.Batch, 1, Math.Max(1, job.Data.BatchesPerEpoch(recipe.Batch))));
        try
        {
            foreach (var batch in job.Data.Train(epoch, recipe.Batch, 0).Take(planned))
            {
                using (batch)
                {
                    Add(student, teacher, batch, others, alignments, sums, Told);
                    batches++;
                }
            }
        }
        finally
        {
            student.zero_grad();
            student.train(training);
            alignments.ForEach(alignment => alignment.Dispose());
        }

        return [.. sums.Select(sum => (sum.Cosine / batches, sum.Ratio / batches))];

        void Told(int pair)
        {
            progress?.Report((batches * pairs.Count) + pair, planned * pairs.Count);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Trains the job's student for the first epoch of a recipe, with its schedule; nothing is validated or kept on disk.</summary>
    public static void TrainFirstEpoch(DistillationJob job, DistillationRecipe recipe, PredictionStep progress, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Distiller.Run(job.Student, recipe.HasTeacher ? job.Teacher : null, job.Data, recipe with { TrackSpectra = false }, null, resume: false, record: false, new EpochWatch(progress, stop), stop.Token);
        cancellation.ThrowIfCancellationRequested();
    }

    private sealed class EpochWatch(PredictionStep progress, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == TrainingPhase.Training)
            {
                progress.Report(value.Step, value.StepsPerEpoch);
            }
            else if (value.Phase == TrainingPhase.Validating)
            {
                stop.Cancel(); // the epoch's steps are done
            }
        }
    }

    private static LossPlan PlanOf(VisionModel student, VisionModel teacher, DistillationRecipe recipe, (int Student, int Teacher) pair)
    {
        var plan = SetupRules.Plan(student, teacher, recipe with { StudentLayers = [pair.Student], TeacherLayers = [pair.Teacher] });
        return plan with { Terms = [.. plan.Terms.Where(term => term.Kind == AlignmentTerm.Kind)] };
    }

    private static void Add(
        VisionModel student, VisionModel teacher, TrainingBatch batch, StepLoss others, List<StepLoss> alignments, (double Cosine, double Ratio)[] sums,
        Action<int> told)
    {
        using var scope = NewDisposeScope();
        var device = student.AnyWeight.device;
        var (images, labels) = (batch.Images.to(device), batch.Labels.to(device));
        var own = student.ForwardIntermediates(images, [.. others.Plan.StudentBlocks.Concat(alignments.SelectMany(alignment => alignment.Plan.StudentBlocks)).Distinct()]);
        var (logits, maps) = Ask(teacher, batch.TeacherImages?.to(device) ?? images, [.. others.Plan.TeacherBlocks.Concat(alignments.SelectMany(alignment => alignment.Plan.TeacherBlocks)).Distinct()]);
        var rest = Gradient(student, others, own, labels, logits, maps);
        for (var pair = 0; pair < alignments.Count; pair++)
        {
            using var inner = NewDisposeScope();
            var gradient = Gradient(student, alignments[pair], own, labels, logits, maps);
            var shared = rest * gradient.sign().abs(); // a parameter that the pair's loss does not reach has a gradient of exactly 0
            var (one, two) = (Length(gradient), Length(shared));
            sums[pair].Cosine += (gradient * shared).sum().item<double>() / (one * two);
            sums[pair].Ratio += one / two;
            told(pair + 1);
        }
    }

    private static (Tensor Logits, Dictionary<int, Tensor> Maps) Ask(VisionModel teacher, Tensor images, IReadOnlyList<int> blocks)
    {
        using var guard = no_grad();
        var output = teacher.ForwardIntermediates(images, blocks);
        return (output.Logits, output.Maps.ToDictionary(map => map.Block, map => map.Values));
    }

    // One vector over all parameters, in the caller's scope.
    private static Tensor Gradient(VisionModel student, StepLoss loss, ModelOutput own, Tensor labels, Tensor logits, Dictionary<int, Tensor> maps)
    {
        using var scope = NewDisposeScope();
        student.zero_grad();
        var answer = new TeacherAnswer(logits, [.. loss.Plan.TeacherBlocks.Select(block => maps[block])]);
        loss.Of(own, labels, answer).Total().backward(retain_graph: true);
        return cat([.. student.parameters().Where(parameter => parameter.requires_grad)
            .Select(parameter => (parameter.grad is { } gradient ? gradient : zeros_like(parameter)).flatten().to(ScalarType.Float64))]).MoveToOuterDisposeScope();
    }

    private static double Length(Tensor values) => values.norm().item<double>();
}
