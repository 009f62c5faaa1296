using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// Registers the kernel with Jupyter, which need not be installed yet: a folder with <c>kernel.json</c> and a logo
/// (https://jupyter-client.readthedocs.io/en/latest/kernels.html#kernel-specs).
/// </summary>
internal static partial class KernelSpec
{
    private const string Mark = "spectralkd";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Installs a kernelspec, or replaces the one of that name; all of it or nothing.</summary>
    /// <param name="options">Name and place; null: the defaults.</param>
    /// <returns>What was installed.</returns>
    /// <exception cref="SpectralKDException">The name is unusable, the folder cannot be written, or another program's kernel has the name.</exception>
    public static InstalledKernelSpec Install(KernelSpecOptions? options = null)
    {
        options ??= new KernelSpecOptions();
        var folder = FolderOf(options.Name, options.Prefix);
        RefuseForeign(folder, options.Name);
        var command = options.Command ?? KernelCommand.OfThisProgram(options.SkipUnknown ? ["--skip-unknown"] : []);
        var temporary = $"{folder}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            File.WriteAllText(Path.Combine(temporary, "kernel.json"), Json(options, command).ToJsonString(Indented) + "\n");
            File.WriteAllText(Path.Combine(temporary, "logo-svg.svg"), KernelLogo.Svg);
            DeleteIfThere(folder);
            Directory.Move(temporary, folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot install the kernel in {folder}: {error.Message.TrimEnd('.')}; choose another place with --prefix", error);
        }
        return new InstalledKernelSpec(options.Name, options.DisplayName, folder, command);
    }

    /// <summary>Removes a kernelspec that this program installed.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="prefix">The prefix it was installed in; null: the user's own folder.</param>
    /// <returns>The folder that was removed.</returns>
    /// <exception cref="SpectralKDException">There is none of that name, or it is another program's.</exception>
    public static string Uninstall(string name = "spectralkd", string? prefix = null)
    {
        var folder = FolderOf(name, prefix);
        if (!Directory.Exists(folder))
        {
            var there = string.Join(", ", List().Select(spec => $"{spec.Name} ({spec.Folder})"));
            throw new SpectralKDException($"there is no kernel {name} in {folder}; installed: {(there.Length == 0 ? "none" : there)}");
        }
        RefuseForeign(folder, name);
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot remove {folder}: {error.Message}", error);
        }
        return folder;
    }

    /// <summary>The kernelspecs of this program in all of Jupyter's folders.</summary>
    /// <param name="prefix">A prefix to look into besides.</param>
    public static IReadOnlyList<InstalledKernelSpec> List(string? prefix = null)
    {
        var roots = prefix is null ? JupyterFolders.All : JupyterFolders.All.Prepend(JupyterFolders.Share(Path.GetFullPath(prefix)));
        return [.. roots.Select(root => Path.Combine(root, "kernels")).Distinct().Where(Directory.Exists).SelectMany(SpecsIn).OfType<InstalledKernelSpec>()];
    }

    private static IEnumerable<InstalledKernelSpec?> SpecsIn(string kernels)
        => Directory.EnumerateDirectories(kernels).Order(StringComparer.Ordinal).Select(ReadOwn);

    private static string FolderOf(string name, string? prefix)
    {
        if (!ValidName().IsMatch(name))
        {
            throw new SpectralKDException($"a kernel cannot be named \"{name}\"; letters, digits, - . _ are allowed");
        }
        var root = prefix is null ? JupyterFolders.User : JupyterFolders.Share(Path.GetFullPath(prefix));
        return Path.Combine(root, "kernels", name.ToLowerInvariant());
    }

    private static JsonObject Json(KernelSpecOptions options, IReadOnlyList<string> command) => new()
    {
        ["argv"] = new JsonArray([.. command.Select(word => (JsonNode)word)]),
        ["display_name"] = options.DisplayName,
        ["language"] = "C#",
        ["interrupt_mode"] = "message",
        ["env"] = KernelCommand.Variables(),
        ["metadata"] = new JsonObject { ["debugger"] = false, [Mark] = new JsonObject { ["version"] = KernelInfoHandler.Version } },
    };

    private static void RefuseForeign(string folder, string name)
    {
        if (Directory.Exists(folder) && ReadOwn(folder) is null)
        {
            throw new SpectralKDException($"the kernel {name} in {folder} is another program's; remove it there first, or choose another --name");
        }
    }

    private static InstalledKernelSpec? ReadOwn(string folder)
    {
        try
        {
            var json = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "kernel.json")));
            if (json?["metadata"]?[Mark] is null)
            {
                return null;
            }
            var command = (json["argv"] as JsonArray)?.Select(word => word?.GetValue<string>() ?? "").ToArray() ?? [];
            return new InstalledKernelSpec(Path.GetFileName(folder), json["display_name"]?.GetValue<string>() ?? "", folder, command);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [GeneratedRegex("^[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*\\z")]
    private static partial Regex ValidName();
}

/// <summary>How and where a kernelspec is installed.</summary>
internal sealed record KernelSpecOptions
{
    /// <summary>
    /// The name by which notebooks ask for the kernel. <c>.net-csharp</c> takes the place of .NET Interactive's C# kernel.
    /// </summary>
    public string Name { get; init; } = "spectralkd";

    /// <summary>What users read in the list of kernels.</summary>
    public string DisplayName { get; init; } = "C# (SpectralKD)";

    /// <summary>An installation prefix (the kernelspec goes to <c>PREFIX/share/jupyter</c>); null: the user's own folder.</summary>
    public string? Prefix { get; init; }

    /// <summary>True: the kernel passes over cells in languages that do not run in it (F#, SQL, …) with a note.</summary>
    public bool SkipUnknown { get; init; }

    /// <summary>
    /// Program and arguments that start the kernel, with <c>{connection_file}</c> in its place; null: this program with
    /// <c>jupyter start {connection_file}</c>, and <c>--skip-unknown</c> where that is wanted.
    /// </summary>
    public IReadOnlyList<string>? Command { get; init; }
}

/// <summary>A kernelspec of this program as Jupyter finds it.</summary>
/// <param name="Name">The name by which notebooks ask for it.</param>
/// <param name="DisplayName">What users read.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Command">Program and arguments.</param>
internal sealed record InstalledKernelSpec(string Name, string DisplayName, string Folder, IReadOnlyList<string> Command)
{
    /// <summary>False where the program that it starts is gone: install it again.</summary>
    public bool IsRunnable => Command.Count > 0 && (!Path.IsPathRooted(Command[0]) || File.Exists(Command[0]));
}

/// <summary>
/// Where Jupyter keeps its data (https://docs.jupyter.org/en/latest/use/jupyter-directories.html), found without Jupyter.
/// </summary>
internal static class JupyterFolders
{
    /// <summary>The user's data folder.</summary>
    public static string User => Variable("JUPYTER_DATA_DIR") ?? (OperatingSystem.IsWindows()
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "jupyter")
        : OperatingSystem.IsMacOS()
            ? Path.Combine(Home, "Library", "Jupyter")
            : Path.Combine(Variable("XDG_DATA_HOME") ?? Path.Combine(Home, ".local", "share"), "jupyter"));

    /// <summary>All data folders in which Jupyter looks for kernels, the first found winning.</summary>
    public static IEnumerable<string> All => (Variable("JUPYTER_PATH")?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [])
        .Append(User)
        .Concat(Environments.Select(Share))
        .Concat(System)
        .Distinct();

    /// <summary>The data folder of an installation prefix, for instance of a Python environment.</summary>
    public static string Share(string prefix) => Path.Combine(prefix, "share", "jupyter");

    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static IEnumerable<string> Environments
        => new[] { Variable("VIRTUAL_ENV"), Variable("CONDA_PREFIX") }.OfType<string>();

    private static IEnumerable<string> System => OperatingSystem.IsWindows()
        ? [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "jupyter")]
        : [Share("/usr/local"), Share("/usr")];

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

/// <summary>How Jupyter starts this very program as a kernel.</summary>
internal static class KernelCommand
{
    /// <summary>Program, its assembly where it runs by <c>dotnet</c>, <c>jupyter start {connection_file}</c>, and more.</summary>
    public static IReadOnlyList<string> OfThisProgram(params IEnumerable<string> more)
    {
        var program = Environment.ProcessPath ?? throw new SpectralKDException("cannot tell which program this is; name the command");
        var isDotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        string[] start = isDotnet ? [program, Assembly.GetEntryAssembly()!.Location] : [program];
        return [.. start, "jupyter", "start", "{connection_file}", .. more];
    }

    /// <summary>The .NET that runs now: Jupyter's own environment need not name it.</summary>
    public static JsonObject Variables()
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var root = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        return Directory.Exists(Path.Combine(root, "host")) ? new JsonObject { ["DOTNET_ROOT"] = root } : [];
    }
}

/// <summary>The picture that Jupyter shows for the kernel: a U-curve.</summary>
internal static class KernelLogo
{
    public const string Svg = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">
          <rect width="64" height="64" rx="12" fill="#2457c5"/>
          <path d="M12 14 C16 58 48 58 52 14" fill="none" stroke="#ffffff" stroke-width="5" stroke-linecap="round"/>
          <g fill="#ffd166"><circle cx="12" cy="14" r="4.5"/><circle cx="18" cy="36" r="4.5"/><circle cx="32" cy="47" r="4.5"/>
          <circle cx="46" cy="36" r="4.5"/><circle cx="52" cy="14" r="4.5"/></g>
        </svg>

        """;
}
