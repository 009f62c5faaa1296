namespace SpectralKD.Interactive.Magic;

/// <summary>One proposal for what may stand at the cursor of a magic line.</summary>
/// <param name="Text">What is inserted.</param>
/// <param name="Description">What it means, one line; may be empty.</param>
public sealed record MagicProposal(string Text, string Description);

/// <summary>Completion of magic lines, from the command table.</summary>
public static class MagicCompletion
{
    /// <summary>Proposals at a cursor position and the part of the line that they replace.</summary>
    /// <param name="line">The magic line.</param>
    /// <param name="position">0-based cursor position in the line.</param>
    /// <param name="host">The notebook, for its variables; null where it is not known.</param>
    public static (int Start, int End, IReadOnlyList<MagicProposal> Proposals) Complete(string line, int position, INotebookHost? host)
    {
        var start = position;
        while (start > 0 && !char.IsWhiteSpace(line[start - 1]))
        {
            start--;
        }

        var typed = line[start..position].TrimStart('"');
        var proposals = Proposals(line[..start], typed, host);
        return (start, position, [.. proposals.Where(p => p.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase))]);
    }

    /// <summary>The values that a parameter may take, where they can be listed.</summary>
    /// <param name="parameter">A parameter of the table.</param>
    /// <param name="host">The notebook, for its variables; null where it is not known.</param>
    public static IEnumerable<string> Values(MagicParameter parameter, INotebookHost? host) => parameter.Value switch
    {
        _ when parameter.Choices.Count > 0 => parameter.Choices,
        MagicValue.ModelName => ModelCatalog.All.Select(m => m.Name),
        MagicValue.Weights => ["pretrained", "seeded", "seeded:0"],
        MagicValue.ImageSource => ["textures", "cifar10"],
        MagicValue.Device => Devices.Names,
        MagicValue.CommandName => MagicCommandTable.All.Select(c => c.Name["#!spectral-".Length..]),
        MagicValue.ModelVariable => Variables<VisionModel>(host),
        MagicValue.ImagesVariable => Variables<IImageSource>(host),
        MagicValue.SpectrumVariable => Variables<ModelSpectrum>(host),
        MagicValue.AnyVariable => Variables<object>(host),
        _ => [],
    };

    private static IEnumerable<MagicProposal> Proposals(string before, string typed, INotebookHost? host)
    {
        var words = before.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
        {
            return MagicCommandTable.All.Select(c => new MagicProposal(c.Name, c.Description));
        }

        if (MagicCommandTable.All.FirstOrDefault(c => c.Name == words[0]) is not { } command)
        {
            return [];
        }

        var open = words.Length == 1
            ? command.Parameters.FirstOrDefault(p => p.Implicit)
            : command.Parameters.FirstOrDefault(p => p.Name == words[^1] && !p.IsFlag);
        var values = open is null || typed.StartsWith('-') ? [] : ValuesOrPaths(open, typed, host).Select(v => new MagicProposal(v, ""));
        var names = words.Length > 1 && open is not null ? []
            : command.Parameters.Where(p => !words.Contains(p.Name)).Select(p => new MagicProposal(p.Name, p.Description));
        return values.Concat(names);
    }

    private static IEnumerable<string> ValuesOrPaths(MagicParameter parameter, string typed, INotebookHost? host) =>
        parameter.Value is MagicValue.Path or MagicValue.Weights or MagicValue.ImageSource
            ? Values(parameter, host).Concat(Paths(typed))
            : Values(parameter, host);

    private static IEnumerable<string> Paths(string typed)
    {
        var cut = typed.LastIndexOfAny(['/', '\\']) + 1;
        var folder = cut == 0 ? "." : typed[..cut];
        if (!Directory.Exists(folder))
        {
            return [];
        }

        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Take(1000)
                .Select(e => typed[..cut] + Path.GetFileName(e) + (Directory.Exists(e) ? "/" : "")).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static IEnumerable<string> Variables<T>(INotebookHost? host) =>
        host?.Variables.Where(v => typeof(T).IsAssignableFrom(v.Type)).Select(v => v.Name) ?? [];
}
