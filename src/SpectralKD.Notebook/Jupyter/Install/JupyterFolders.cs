namespace SpectralKD.Notebook.Jupyter.Install;

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
