namespace SpectralKD.Notebook.Jupyter.Install;

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
