namespace SpectralKD.Distillation;

/// <summary>What the recipe of a run is that goes on: its own, longer where more epochs are asked for.</summary>
internal static class RunContinuation
{
    /// <summary>
    /// The recipe to go on by. More epochs than the run was begun with make it longer: what is done stays as it is, the epochs to come follow the schedule of the longer run, as timm's
    /// resume does. Equal layer pairs are taken in the words of the run, however they are named now.
    /// </summary>
    /// <param name="given">The recipe as the caller gave it.</param>
    /// <param name="begun">The run's own.</param>
    /// <param name="state">Where it stands.</param>
    /// <param name="plan">The pairs of a recipe.</param>
    public static DistillationRecipe Of(DistillationRecipe given, DistillationRecipe begun, RunState state, Func<DistillationRecipe, LossPlan> plan)
    {
        var samePairs = (given.StudentLayers is not null || begun.StudentLayers is not null) && Pairs(plan(given)).SequenceEqual(Pairs(plan(given with { StudentLayers = begun.StudentLayers, TeacherLayers = begun.TeacherLayers })));
        var recipe = samePairs ? given with { StudentLayers = begun.StudentLayers, TeacherLayers = begun.TeacherLayers } : given;
        return recipe with
        {
            Extended = given.Epochs <= begun.Epochs ? begun.Extended : [.. begun.Extended ?? [], new RunExtension(state.Step > 0 ? state.Epoch + 1 : state.Epoch, begun.Epochs)],
        };
    }

    /// <summary>What is to be said of a run that has just been made longer; null where it was not.</summary>
    public static string? Words(DistillationRecipe recipe, DistillationRecipe begun) => recipe.Extended is not [.., var last] || recipe.Epochs <= begun.Epochs ? null
        : FormattableString.Invariant($"the run was made longer after {last.After} of {last.Epochs} epochs: epochs from {last.After} on follow the cosine over {recipe.Epochs} epochs, as timm's resume does, so the rate goes ")
            + FormattableString.Invariant($"from {recipe.RateIn(Math.Max(0, last.After - 1)):0.##e+0} to {recipe.RateIn(last.After):0.##e+0}; a run of {recipe.Epochs} epochs from the beginning would have been another");

    private static IEnumerable<(string, int, int)> Pairs(LossPlan plan) =>
        plan.Terms.SelectMany(term => term.Pairs.Select(pair => (term.Name, pair.Student.Index, pair.Teacher.Index))).Order();
}
