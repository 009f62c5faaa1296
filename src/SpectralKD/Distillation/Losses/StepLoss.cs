using TorchSharp;
using TorchSharp.Modules;

namespace SpectralKD.Distillation;

/// <summary>The terms of a plan, made ready on the student's device. Owns what they learn.</summary>
internal sealed class StepLoss : IDisposable
{
    private readonly VisionModel _student;
    private readonly VisionModel? _teacher;
    private readonly long _seed;
    private readonly IReadOnlyList<(PlannedTerm Plan, DistillationTerm Term)> _terms;

    /// <summary>Makes the terms.</summary>
    /// <param name="plan">Which.</param>
    /// <param name="student">The student, on its device.</param>
    /// <param name="teacher">The teacher as it computes; null without one.</param>
    /// <param name="seed">Seed of initial values and of the terms' draws.</param>
    public StepLoss(LossPlan plan, VisionModel student, VisionModel? teacher = null, long seed = 0)
    {
        (Plan, _student, _teacher, _seed) = (plan, student, teacher, seed);
        Names = new TermNames([.. plan.Terms.Select(term => term.Name)]);
        _terms = [.. plan.Terms.Select(term => (term, term.Kind.Make(term.Settings, new TermSizes(term.Pairs, seed))))];
        foreach (var (_, term) in _terms)
        {
            term.Module?.to(student.AnyWeight.device);
        }
    }

    /// <summary>The plan.</summary>
    public LossPlan Plan { get; }

    /// <summary>The terms' names, in order.</summary>
    public TermNames Names { get; }

    /// <summary>What the terms learn: name, parameter, and whether it takes weight decay.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter, bool Decays)> Parameters =>
        [.. _terms.SelectMany(entry => entry.Term.Module?.named_parameters().Where(own => own.parameter.requires_grad)
            .Select(own => ($"{entry.Plan.Name}.{own.name}", own.parameter, entry.Term.Decays && own.parameter.dim() > 1 && !own.name.EndsWith(".bias", StringComparison.Ordinal))) ?? [])];

    /// <summary>All that a checkpoint keeps of the terms: parameters, trained or not, and running statistics.</summary>
    public IReadOnlyDictionary<string, Tensor> State => _terms
        .SelectMany(entry => entry.Term.Module is not { } module ? [] : module.named_parameters().Select(own => (own.name, Values: (Tensor)own.parameter))
            .Concat(module.named_buffers().Select(own => (own.name, Values: own.buffer)).Where(own => own.Values.is_floating_point()))
            .Select(own => (Name: $"{entry.Plan.Name}.{own.name}", own.Values)))
        .ToDictionary(own => own.Name, own => own.Values);

    /// <summary>The weighed terms of a batch, in the caller's scope.</summary>
    /// <param name="own">The student's output, with the plan's blocks.</param>
    /// <param name="labels">Class indices int64 <c>[B]</c>, or probabilities float32 <c>[B, K]</c>.</param>
    /// <param name="answer">The teacher's logits and maps, in the plan's order.</param>
    /// <param name="place">Where the batch stands in the run.</param>
    public WeighedTerms Of(ModelOutput own, Tensor labels, TeacherAnswer answer, BatchPlace place = default)
    {
        using var scope = NewDisposeScope();
        var logits = own.Logits.to(ScalarType.Float32);
        var maps = own.Maps.ToDictionary(map => map.Block, map => map.Values);
        var values = new List<Tensor>();
        var first = 0;
        for (var index = 0; index < _terms.Count; index++)
        {
            var (plan, term) = _terms[index];
            var inputs = new TermInputs
            {
                Logits = logits,
                Labels = labels,
                TeacherLogits = plan.Kind.TeacherLogits ? answer.Logits : null,
                Maps = LastNormed(_student, [.. plan.Pairs.Select(pair => maps[pair.Student.Index])], plan.Kind.Rule.Normed != NormedMaps.None),
                TeacherMaps = OnGrid(plan, LastNormed(_teacher, [.. answer.Maps.Skip(first).Take(plan.Pairs.Count)], plan.Kind.Rule.Normed == NormedMaps.Both)),
                Epoch = place.Epoch,
                Place = [_seed, place.Epoch, place.Step, place.Part, index],
            };
            first += plan.Pairs.Count;
            values.Add(plan.Weight == 1 ? term.Of(inputs) : term.Of(inputs).Times(plan.Weight));
        }

        return new WeighedTerms([.. values.Select(value => value.MoveToOuterDisposeScope())]);
    }

    /// <summary>Tells the terms that the optimiser has made a step.</summary>
    public void AfterStep()
    {
        foreach (var (_, term) in _terms)
        {
            term.AfterStep();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, term) in _terms)
        {
            term.Dispose();
        }
    }

    private Tensor[] OnGrid(PlannedTerm plan, Tensor[] maps) => [.. maps.Zip(plan.Pairs, (map, pair) => ResizedMaps.To(pair.Teacher, map, Plan.Resize))];

    private static Tensor[] LastNormed(VisionModel? model, Tensor[] maps, bool normed)
    {
        if (normed && maps.Length > 0)
        {
            maps[^1] = FinalNorm.Of(model!, maps[^1]);
        }

        return maps;
    }
}

/// <summary>What a teacher answers to a batch.</summary>
/// <param name="Logits"><c>[B, K]</c>, or null where the loss needs none.</param>
/// <param name="Maps">Feature maps <c>[B, C, H, W]</c>, pair by pair.</param>
internal sealed record TeacherAnswer(Tensor? Logits, IReadOnlyList<Tensor> Maps);

/// <summary>Where a batch stands in a run.</summary>
/// <param name="Epoch">0-based.</param>
/// <param name="Step">0-based in the epoch.</param>
/// <param name="Part">Which of the batches whose gradients are added up.</param>
internal readonly record struct BatchPlace(int Epoch, int Step, int Part = 0);

/// <summary>The weighed terms of a step's loss, scalars with gradients. Their sum is what is trained on.</summary>
internal sealed class WeighedTerms(IReadOnlyList<Tensor> values)
{
    /// <summary>The terms, in the plan's order.</summary>
    public IReadOnlyList<Tensor> Values => values;

    /// <summary>The sum, in the plan's order.</summary>
    public Tensor Total()
    {
        using var scope = NewDisposeScope();
        return TermMath.Sum(values.Skip(1).Prepend(values[0].alias())).MoveToOuterDisposeScope();
    }

    /// <summary>The terms, float64, still on the device.</summary>
    public Tensor Stacked()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return stack([.. values.Select(term => term.detach().to(ScalarType.Float64))]).MoveToOuterDisposeScope();
    }
}

/// <summary>The names of a plan's terms: they say where a number goes.</summary>
internal sealed class TermNames(IReadOnlyList<string> names)
{
    /// <summary>The numbers of <see cref="WeighedTerms.Stacked"/>.</summary>
    public LossValues Read(Tensor stacked)
    {
        using var fetched = stacked.cpu();
        var values = fetched.data<double>().ToArray();
        var read = new LossValues(0, null, null);
        for (var i = 0; i < names.Count; i++)
        {
            read = read.With(names[i], values[i]);
        }

        return read;
    }
}
