namespace SpectralKD.Interactive.Magic;

/// <summary>One proposal for what may stand at the cursor of a magic line.</summary>
/// <param name="Text">What is inserted.</param>
/// <param name="Description">What it means, one line; may be empty.</param>
/// <param name="IsPath">True for a file or folder.</param>
internal sealed record MagicProposal(string Text, string Description, bool IsPath = false);

/// <summary>Completion of magic lines, from the notebook's commands.</summary>
internal static class MagicCompletion
{
    /// <summary>Proposals at a cursor position and the part of the line that they replace.</summary>
    /// <param name="line">The magic line.</param>
    /// <param name="position">0-based cursor position in the line.</param>
    /// <param name="host">The notebook, for its commands, variables and files; null where it is not known.</param>
    public static (int Start, int End, IReadOnlyList<MagicProposal> Proposals) Complete(string line, int position, INotebookHost? host)
    {
        var before = line[..position];
        // Within quotes spaces do not part words.
        var start = before.Count(c => c == '"') % 2 == 1 ? before.LastIndexOf('"') + 1 : before.LastIndexOfAny([' ', '\t', '=', '"']) + 1;
        var typed = before[start..];
        var proposals = Proposals(before[..start], typed, host);
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
        MagicValue.Method => LossCatalog.All.Select(kind => kind.Name),
        MagicValue.Recipe => [.. Variables<DistillationRun>(host), .. Variables<DistillationRecipe>(host), .. RecipeLibrary.Names],
        MagicValue.CommandName => Commands(host).Select(MagicCommandTable.ShortName),
        MagicValue.ModelVariable => Variables<VisionModel>(host),
        MagicValue.ImagesVariable => Variables<IImageSource>(host),
        MagicValue.SpectrumVariable => Variables<ModelSpectrum>(host),
        MagicValue.AnyVariable => Variables<object>(host),
        _ => [],
    };

    private static IReadOnlyList<MagicCommand> Commands(INotebookHost? host) => host?.Commands ?? MagicCommandTable.All;

    private static IEnumerable<MagicProposal> Proposals(string before, string typed, INotebookHost? host)
    {
        var words = before.Split([' ', '\t', '=', '"'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
        {
            return Commands(host).Select(c => new MagicProposal(c.Name, c.Description));
        }

        if (Commands(host).FirstOrDefault(c => c.Name == words[0]) is not { } command)
        {
            return [];
        }

        var open = words.Length == 1
            ? command.Parameters.FirstOrDefault(p => p.Implicit)
            : command.Parameters.FirstOrDefault(p => p.Name == words[^1] && !p.IsFlag);
        var values = open is null || typed.StartsWith('-') ? []
            : open.Value == MagicValue.Losses ? LossCatalog.Proposals(typed).Select(proposal => new MagicProposal(proposal.Text, proposal.Description))
            : Values(open, host).Select(value => new MagicProposal(value, "")).Concat(VariablesAsValues(open, typed, host)).Concat(Paths(open, typed, host));
        var names = (words.Length > 1 && open is not null) || before.EndsWith('"') ? []
            : command.Parameters.Where(p => !words.Contains(p.Name)).Select(p => new MagicProposal(p.Name, p.Description));
        return values.Concat(names);
    }

    private static IEnumerable<MagicProposal> VariablesAsValues(MagicParameter parameter, string typed, INotebookHost? host) =>
        !parameter.IsVariable && (typed.StartsWith('@') || parameter.TakesAnything) ? Variables<object>(host).Select(name => new MagicProposal("@" + name, "")) : [];

    private static IEnumerable<MagicProposal> Paths(MagicParameter parameter, string typed, INotebookHost? host)
    {
        if (parameter.Value is not (MagicValue.Path or MagicValue.Recipe or MagicValue.NotebookPath or MagicValue.Weights or MagicValue.ImageSource))
        {
            return [];
        }

        var parent = typed[..(typed.LastIndexOfAny(['/', '\\']) + 1)];
        try
        {
            var folder = Path.GetFullPath(parent, parameter.Value == MagicValue.NotebookPath && host is not null ? host.Folder : Environment.CurrentDirectory);
            return
            [
                .. Directory.EnumerateDirectories(folder).Take(1000).Select(path => Path.GetFileName(path) + "/").Order(StringComparer.Ordinal)
                    .Concat(Directory.EnumerateFiles(folder).Take(1000).Select(path => Path.GetFileName(path))
                        .Where(name => parameter.Endings.Count == 0 || parameter.Endings.Contains(Path.GetExtension(name).ToLowerInvariant())).Order(StringComparer.Ordinal))
                    .Select(name => new MagicProposal(parent + name, "", IsPath: true)),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return [];
        }
    }

    private static IEnumerable<string> Variables<T>(INotebookHost? host) =>
        host?.Variables.Where(v => typeof(T).IsAssignableFrom(v.Type)).Select(v => v.Name) ?? [];
}
