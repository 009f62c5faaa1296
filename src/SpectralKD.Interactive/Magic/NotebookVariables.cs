using SpectralKD.Data;
using SpectralKD.Models;
using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Magic;

/// <summary>Reads the notebook's variables for commands, with errors that say what to do.</summary>
internal static class NotebookVariables
{
    /// <summary>A model that a <c>#!spectral-model</c> or C# put into a variable.</summary>
    public static VisionModel Model(this INotebookHost host, string name) =>
        host.Get<VisionModel>(name, "a model", $"run #!spectral-model deit_tiny_patch16_224 --as {name} first");

    /// <summary>Images that <c>#!spectral-images</c> or C# put into a variable.</summary>
    public static IImageSource Images(this INotebookHost host, string name) =>
        host.Get<IImageSource>(name, "images", $"run #!spectral-images textures --as {name} first");

    /// <summary>A spectrum that <c>#!spectral-analyze</c> or C# put into a variable.</summary>
    public static ModelSpectrum Spectrum(this INotebookHost host, string name) =>
        host.Get<ModelSpectrum>(name, "a spectrum", $"run #!spectral-analyze --as {name} first");

    /// <summary>A variable of a type.</summary>
    /// <param name="host">The notebook.</param>
    /// <param name="name">The variable's name.</param>
    /// <param name="what">What it should hold, in words.</param>
    /// <param name="remedy">How to make one.</param>
    /// <exception cref="SpectralKDException">There is no such variable, or it holds something else.</exception>
    public static T Get<T>(this INotebookHost host, string name, string what, string remedy)
        where T : class
    {
        var plain = name.TrimStart('@');
        var fitting = host.Variables.Where(v => typeof(T).IsAssignableFrom(v.Type)).Select(v => v.Name).ToList();
        var there = fitting.Count > 0 ? $" ({what}: {string.Join(", ", fitting)})" : "";
        if (!host.TryGetVariable(plain, out var value))
        {
            throw new SpectralKDException($"there is no variable {plain}{NearestName.Suggestion(plain, fitting)}{there}; {remedy}");
        }

        return value as T ?? throw new SpectralKDException(
            $"the variable {plain} holds {(value is null ? "null" : $"a {value.GetType().Name}")}, not {what}{there}; {remedy}");
    }
}
