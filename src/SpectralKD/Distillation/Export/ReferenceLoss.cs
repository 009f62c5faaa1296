namespace SpectralKD.Distillation;

/// <summary>
/// A recipe's loss as one of the authors' repositories has it: SpectralKD's own <c>main.py</c>, that of Distillation-Dynamics with its projector in the place of the alignment, or that
/// of From-Per-Image-Low-Rank-to-Encoding-Mismatch with the mean square error (<c>--use-mse-loss</c>). All weigh <c>(1 - alpha) labels + alpha KD + beta w_fft maps</c>.
/// </summary>
/// <param name="Recipe">The recipe with that loss in the place of a list of terms.</param>
/// <param name="Place">Where the command is to be run, for a comment above it; null for SpectralKD's repository.</param>
/// <param name="Argument">An argument that it needs besides; null for none.</param>
/// <param name="Problems">Why none of them can train it; empty where one can.</param>
/// <param name="Notes">What it does otherwise.</param>
internal sealed record ReferenceLoss(DistillationRecipe Recipe, string? Place, string? Argument, IReadOnlyList<string> Problems, IReadOnlyList<string> Notes)
{
    private static readonly LossKind[] Maps = [AlignmentTerm.Kind, MeanSquareTerm.Kind, ProjectorTerm.Kind];
    private static readonly LossKind[] Logits = [SoftTerm.Kind, HardTerm.Kind];

    /// <summary>The authors' form of a recipe's loss.</summary>
    public static ReferenceLoss Of(DistillationRecipe recipe)
    {
        if (recipe.Losses is not { } losses)
        {
            return new ReferenceLoss(recipe, null, null, [], []);
        }

        var terms = LossTerm.Complete(losses, ModelCatalog.Find(recipe.Student).Spec.AlignmentWeight);
        var (maps, logits) = (Those(terms, Maps), Those(terms, Logits));
        var problems = new List<string>();
        var strangers = terms.Select(term => term.Name).Except([LabelsTerm.Kind.Name, .. Maps.Concat(Logits).Select(kind => kind.Name)]).ToList();
        Unless(strangers.Count == 0, $"the authors' programs have no {string.Join(", ", strangers)}");
        Unless(maps.Count <= 1 && logits.Count <= 1, "the authors' programs take one term of logits and one of maps");
        var (labels, map, logit) = (terms[0].Weight!.Value, maps.FirstOrDefault(), logits.FirstOrDefault());
        Unless(logit?.Arguments.GetValueOrDefault(LossKind.Standardise) != "true", "the authors' programs do not standardise logits");
        Unless(logit is null || Math.Abs(labels + logit.Weight!.Value - 1) < 1e-9, FormattableString.Invariant(
            $"the authors' programs weigh labels by 1 - alpha and logits by alpha, but here the weights are {labels} and {logit?.Weight}: give ones that add up to 1"));
        Unless(logit is not null || (map is null ? labels == 1 : labels is >= 0 and <= 1), FormattableString.Invariant($"labels alone weigh 1 in the authors' programs, not {labels}"));
        Unless(map is null || map.Name != AlignmentTerm.Kind.Name || map.Arguments is var given && given["dc"] == "true" && given["band"] == "all", "the authors' alignment takes all frequencies (dc, band)");
        var weights = new LossWeights
        {
            Method = logit?.Name == SoftTerm.Kind.Name ? DistillationMethod.Soft : logit is not null ? DistillationMethod.Hard : map is not null ? DistillationMethod.Fft : DistillationMethod.None,
            Alpha = Math.Clamp(1 - labels, 0, 1),
            WFft = map?.Weight ?? 0,
            Tau = logit?.Name == SoftTerm.Kind.Name ? logit.Settings().Number("tau") : 1,
            Smoothing = terms[0].Settings().Number("smoothing"),
        };
        var plain = recipe with
        {
            Losses = null,
            Loss = weights,
            Align = map is not null,
            StudentLayers = map?.StudentLayers ?? recipe.StudentLayers,
            TeacherLayers = map?.TeacherLayers ?? recipe.TeacherLayers,
        };
        return map?.Name == ProjectorTerm.Kind.Name
            ? new ReferenceLoss(plain, "github.com/thy960112/Distillation-Dynamics, Distillation_Code/ProjectorKD", null, problems,
                map.Arguments.Values.Contains("true") ? ["its projector is made after the optimiser and so is never trained, where this recipe trains it"] : [])
            : map?.Name == MeanSquareTerm.Kind.Name
                ? new ReferenceLoss(plain, "github.com/thy960112/From-Per-Image-Low-Rank-to-Encoding-Mismatch, training/widelast", "--use-mse-loss", problems, [])
                : new ReferenceLoss(plain, null, null, problems, []);

        void Unless(bool holds, string problem)
        {
            if (!holds)
            {
                problems.Add(problem);
            }
        }
    }

    private static List<LossTerm> Those(IReadOnlyList<LossTerm> terms, LossKind[] kinds) => [.. terms.Where(term => kinds.Any(kind => kind.Name == term.Name))];
}
