using SpectralKD.Models;
using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// Copies stored weights into a model after comparing all names, shapes and types: either everything fits and is loaded,
/// or one error lists every difference and the model stays as it was.
/// </summary>
/// <remarks>torch's own <c>load_state_dict</c> broadcasts and casts silently and names no difference; this does not use it.</remarks>
public static class WeightLoader
{
    /// <summary>Loads a model from a source whose keys are timm's or one of the dialects that timm itself accepts.</summary>
    /// <param name="model">
    /// The model; its parameters are changed in place, on the device and in the type that they have, and its <see cref="VisionModel.Origin"/> says so.
    /// </param>
    /// <param name="weights">The opened weights.</param>
    /// <param name="options">What may differ; nothing if null.</param>
    /// <returns>What was done besides copying.</returns>
    /// <exception cref="SpectralKDException">The weights do not fit; nothing was loaded.</exception>
    public static LoadReport Load(VisionModel model, ITensorSource weights, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(weights);
        var report = Load(model, model.Spec.Name, weights, CheckpointRules.Of(model), options ?? LoadOptions.Strict);
        model.Origin = LoadedOrigin.Of(model, weights, report);
        return report;
    }

    /// <summary>Loads any module by the given rules.</summary>
    internal static LoadReport Load(nn.Module model, string name, ITensorSource weights, CheckpointRules rules, LoadOptions options)
    {
        LibTorch.EnsureLoaded();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var plan = LoadPlan.Make(name, model.state_dict(), weights, rules, options);
        foreach (var step in plan.Steps)
        {
            if (step.Fitted is null)
            {
                weights.ReadInto(step.FileKey, step.Target);
            }
            else
            {
                step.Target.copy_(step.Fitted);
            }
        }

        var resized = plan.Steps.Where(step => step.Fitted is not null).Select(step => step.Key);
        return new LoadReport(plan.FreshHead, [.. resized], plan.Ignored);
    }
}
