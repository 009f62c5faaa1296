namespace SpectralKD.Interactive.Magic;

/// <summary>
/// What a magic command may ask of the notebook it runs in. .NET Interactive's kernel, the embedded host and
/// the tests each implement it.
/// </summary>
internal interface INotebookHost
{
    /// <summary>The magic commands that the notebook has.</summary>
    IReadOnlyList<MagicCommand> Commands => MagicCommandTable.All;

    /// <summary>The folder from which paths of the notebook's own commands start.</summary>
    string Folder => Environment.CurrentDirectory;

    /// <summary>Shows a value below the running cell, formatted by its registered formatters.</summary>
    /// <returns>A handle that replaces what is shown, in place.</returns>
    IDisplayedValue Display(object value);

    /// <summary>Reads a C# variable of the notebook.</summary>
    /// <returns>False where there is no variable of that name.</returns>
    bool TryGetVariable(string name, out object? value);

    /// <summary>Sets (or redefines, also with another type) a C# variable of the notebook.</summary>
    Task SetVariableAsync(string name, object value, Type declaredType);

    /// <summary>The notebook's C# variables, newest definition of each name.</summary>
    IReadOnlyList<(string Name, Type Type)> Variables { get; }

    /// <summary>What the reader answers to a question; null where the word is none, or nobody can be asked on a magic line.</summary>
    /// <param name="word"><c>@input:"Which one?"</c>, <c>@password</c>.</param>
    /// <param name="variable">The variable that the answer becomes; empty for none.</param>
    object? Answer(string word, string variable) => null;

    /// <summary>A variable's value or an answer as text of a magic line; null where it cannot stand there.</summary>
    string? TextOf(object value) => MagicName.OfText(value);
}

/// <summary>Something shown in the notebook that can be replaced in place.</summary>
internal interface IDisplayedValue
{
    /// <summary>Replaces what is shown.</summary>
    void Update(object value);
}

/// <summary>
/// Reads the notebook's variables for commands, with errors that say what to do. What they advise to make gets a name that is not taken: nobody is led to
/// overwrite a model by a spectrum.
/// </summary>
internal static class NotebookVariables
{
    /// <summary>A model that a <c>#!spectral-model</c> or C# put into a variable.</summary>
    public static VisionModel Model(this INotebookHost host, string name) =>
        host.Get<VisionModel>(name, "a model", "model", free => $"#!spectral-model {(IsModel(name) ? name : "deit_tiny_patch16_224")} --as {free}");

    /// <summary>Images that <c>#!spectral-images</c> or C# put into a variable.</summary>
    public static IImageSource Images(this INotebookHost host, string name) =>
        host.Get<IImageSource>(name, "images", "images", free => $"#!spectral-images {(AreImages(name) ? $"\"{name}\"" : "textures")} --as {free}");

    /// <summary>A spectrum that <c>#!spectral-analyze</c> or C# put into a variable.</summary>
    public static ModelSpectrum Spectrum(this INotebookHost host, string name) => host.Get<ModelSpectrum>(
        name, "a spectrum", "spectrum",
        free => host.Find(name) is VisionModel ? $"#!spectral-analyze --model {Plain(name)} --as {free}" : $"#!spectral-analyze --as {free}");

    /// <summary>A report that <c>#!spectral-report</c> or C# put into a variable.</summary>
    public static SpectralReport Report(this INotebookHost host, string name) =>
        host.Get<SpectralReport>(name, "a report", "report", free => $"#!spectral-report --as {free}");

    /// <summary>Layer pairs that <c>#!spectral-select</c> or C# put into a variable.</summary>
    public static LayerPairs Pairs(this INotebookHost host, string name) => host.Get<LayerPairs>(
        name, "layer pairs", "layers", free => $"#!spectral-select --teacher teacherSpectrum --student studentSpectrum --as {free}");

    /// <summary>Predictions of layer pairs that <c>#!spectral-predict</c> or C# put into a variable.</summary>
    public static LayerPredictions Predictions(this INotebookHost host, string name) => host.Get<LayerPredictions>(
        name, "predictions of layer pairs", "predictions", free => $"#!spectral-predict nano-deit-distilled --as {free}");

    /// <summary>A variable's value, whatever it is.</summary>
    /// <exception cref="SpectralKDException">There is no such variable, or it holds null.</exception>
    public static object Anything(this INotebookHost host, string name) => host.Get<object>(name, "something to save", "", null);

    private static T Get<T>(this INotebookHost host, string name, string what, string kind, Func<string, string>? command)
        where T : class
    {
        var plain = Plain(name);
        var fitting = host.Variables.Where(v => typeof(T).IsAssignableFrom(v.Type)).Select(v => v.Name).ToList();
        var there = fitting.Count > 0 ? $" ({what}: {string.Join(", ", fitting)})" : "";
        if (!host.TryGetVariable(plain, out var value))
        {
            throw new SpectralKDException($"there is no variable {plain}{NearestName.Suggestion(plain, fitting)}{there}; {Advice(host, plain, kind, command)}");
        }

        return value as T ?? throw new SpectralKDException(
            $"the variable {plain} holds {(value is null ? "null" : $"a {value.GetType().Name}")}, not {what}{there}; {Advice(host, plain, kind, command)}");
    }

    private static string Advice(INotebookHost host, string wanted, string kind, Func<string, string>? command)
    {
        if (command is null)
        {
            return "make it first";
        }

        var free = FreeName(host, wanted, kind);
        return free == wanted ? $"run {command(free)} first" : $"run {command(free)} first, and name {free} instead of {wanted}";
    }

    // Commands put a table beside what they make, under the name with "Table" behind it.
    private static string FreeName(INotebookHost host, string wanted, string kind)
    {
        bool IsFree(string name) => MagicName.IsVariable(name) && !host.TryGetVariable(name, out _) && !host.TryGetVariable(name + "Table", out _);
        var stem = MagicName.IsVariable(wanted) ? wanted + char.ToUpperInvariant(kind[0]) + kind[1..] : kind;
        return new[] { wanted, stem, kind }.Concat(Enumerable.Range(2, 1000).Select(number => FormattableString.Invariant($"{stem}{number}"))).First(IsFree);
    }

    // Who writes a model's name or a folder where a variable belongs gets the line that makes the variable of it.
    private static bool IsModel(string name) => ModelCatalog.All.Any(entry => entry.Name == name.Split('.')[0]);

    private static bool AreImages(string name) => Directory.Exists(name) || File.Exists(name) || ImageSources.Names.Contains(name);

    private static object? Find(this INotebookHost host, string name) => host.TryGetVariable(Plain(name), out var value) ? value : null;

    private static string Plain(string name) => name.TrimStart('@');
}
